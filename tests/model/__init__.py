# SPDX-License-Identifier: BSD-3-Clause
"""The reference model: docs/state.md in plain Python. It shares no code with the engines."""
