// Export macro, version and the inline namespace that carries the ABI number.
#pragma once

#define MIGRATE_VERSION "0.1.0"
#define MIGRATE_ABI 1

// One shared library, hidden visibility everywhere else: errors and type identities are the same
// object in the host, the core and every plugin only then (docs/decisions/0003).
#if defined(MIGRATE_STATIC)
#define MIGRATE_API
#else
#define MIGRATE_API __attribute__((visibility("default")))
#endif

// A plugin built for another ABI number fails to resolve its symbols instead of half working.
#define MIGRATE_BEGIN       \
  namespace migrate {       \
  inline namespace v1 {
#define MIGRATE_END \
  }                 \
  }
