#!/bin/sh
# SPDX-License-Identifier: MIT
# Fifty processes that do nothing, for the memory row.
n=0
while [ $n -lt 50 ]; do
	sleep 60 &
	n=$((n + 1))
done
wait
