/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_TARGET_VIRTIO_H
#define FUZZ_TARGET_VIRTIO_H
#include <stddef.h>
#include <stdint.h>
uint64_t virtio_one(const uint8_t *data, size_t size);
size_t virtio_mutate(uint8_t *data, size_t size, size_t max, unsigned seed);
void virtio_print(const uint8_t *data, size_t size);
void virtio_init(void);
#endif
