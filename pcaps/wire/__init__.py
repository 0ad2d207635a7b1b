# SPDX-License-Identifier: BSD-3-Clause
"""Bytes of the protocols that the captures speak. No state, no clock, no randomness of their own."""
