// Private to loops of the library. DEEPBIO_CLONES in front of a function: the compiler makes one
// version of it per instruction set and the loader picks one. For loops that it turns into vectors
// by itself (base/simd.h says which may be); sanitizers cannot follow that, and get the plain one.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define DEEPBIO_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DEEPBIO_CLONES
#endif
