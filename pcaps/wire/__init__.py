# SPDX-License-Identifier: BSD-3-Clause
"""Bytes of the protocols that the captures speak: no clock and no randomness of their own."""
