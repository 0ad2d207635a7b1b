# SPDX-License-Identifier: BSD-3-Clause
"""Who sends what in a random world. A script is a generator that yields nanoseconds to wait."""
