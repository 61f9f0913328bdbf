// Loops that are compiled for several instruction sets; the fitting version is chosen when the program is loaded.
#pragma once

// Sanitizers instrument the resolver of a multi-versioned function before they are ready for it; they get one version.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GNUC__) && \
    !defined(__clang__)
#define HEARSAY_MULTIVERSION __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HEARSAY_MULTIVERSION
#endif
