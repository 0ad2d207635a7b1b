# SPDX-License-Identifier: BSD-3-Clause
"""What happens in each capture. Answers come from the edge that the plan chooses (site.py)."""
