/*
 * Writing devices for libsim: see bus/device.h for the contract, and doc/devices.md for a walk through one.
 */
#ifndef LIBSIM_DEVICE_H
#define LIBSIM_DEVICE_H

#include "bus/device.h"
#include "bus/pci.h"

#endif
