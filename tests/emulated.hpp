#pragma once

// Under qemu-user a test can neither start a program of its own architecture nor see why execve
// failed (the child ends with 127 instead). Tests that need either begin with SKIP_IF_EMULATED().

#include <gtest/gtest.h>

#ifdef PEAKWARD_TEST_EMULATED
#define SKIP_IF_EMULATED()                                                                    \
    GTEST_SKIP() << "qemu-user starts no programs of this architecture and hides why execve " \
                    "failed"
#else
#define SKIP_IF_EMULATED() static_cast<void>(0)
#endif
