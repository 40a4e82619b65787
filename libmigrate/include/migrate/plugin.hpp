// What a plugin exports: one plain descriptor that is checked before anything else of the plugin is touched.
#pragma once

#include <boost/asio/detail/config.hpp>
#include <boost/version.hpp>
#include <cstdint>
#include <version>

#include "migrate/abi.hpp"
#include "migrate/registry.hpp"

MIGRATE_BEGIN

/// Plain data in C layout; grows at its end only, `size` tells how far. See docs/plugin-abi.md.
struct PluginDescriptor {
  std::uint32_t magic;
  std::uint32_t size;
  const char* abi_tag;  ///< begins with MIGRATE_TAG_MARKER, by which it is found in the file before that is loaded
  const char* name;
  const char* version;
  void (*add_to)(Registry& registry);
};
inline constexpr std::uint32_t plugin_magic = 0x6D696772;  // "migr"

/// Defined in programs that call migrate_collect_static_plugins() in CMake: adds what is linked in. Call it before
/// Registry::discover().
void register_static_plugins(Registry& registry);

MIGRATE_END

// Everything that makes two builds of C++ interfaces incompatible, as one text.
#define MIGRATE_TEXT_(x) #x
#define MIGRATE_TEXT(x) MIGRATE_TEXT_(x)
#if defined(__clang__)
#define MIGRATE_TAG_COMPILER "clang-" MIGRATE_TEXT(__clang_major__)
#else
#define MIGRATE_TAG_COMPILER "gcc-" MIGRATE_TEXT(__GNUC__)
#endif
#if defined(_LIBCPP_VERSION)
#define MIGRATE_TAG_LIBRARY "libc++-" MIGRATE_TEXT(_LIBCPP_VERSION)
#else
#define MIGRATE_TAG_LIBRARY "libstdc++-cxx11=" MIGRATE_TEXT(_GLIBCXX_USE_CXX11_ABI)
#endif
#if defined(_GLIBCXX_DEBUG)
#define MIGRATE_TAG_CHECKS " glibcxx-debug"
#else
#define MIGRATE_TAG_CHECKS ""
#endif
#if defined(__SANITIZE_ADDRESS__)
#define MIGRATE_TAG_SANITIZER " address-sanitizer"
#elif defined(__SANITIZE_THREAD__)
#define MIGRATE_TAG_SANITIZER " thread-sanitizer"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MIGRATE_TAG_SANITIZER " address-sanitizer"
#elif __has_feature(thread_sanitizer)
#define MIGRATE_TAG_SANITIZER " thread-sanitizer"
#endif
#endif
#if !defined(MIGRATE_TAG_SANITIZER)
#define MIGRATE_TAG_SANITIZER ""
#endif
// These change the layout or the dispatch of Asio's executors and coroutine frames.
#if defined(BOOST_ASIO_ENABLE_HANDLER_TRACKING)
#define MIGRATE_TAG_ASIO_TRACKING " asio-tracking"
#else
#define MIGRATE_TAG_ASIO_TRACKING ""
#endif
#if defined(BOOST_ASIO_NO_TS_EXECUTORS) || defined(BOOST_ASIO_USE_TS_EXECUTOR_AS_DEFAULT)
#define MIGRATE_TAG_ASIO_EXECUTORS " asio-executors"
#else
#define MIGRATE_TAG_ASIO_EXECUTORS ""
#endif
#if !defined(BOOST_ASIO_HAS_THREADS)
#define MIGRATE_TAG_ASIO_THREADS " asio-no-threads"
#else
#define MIGRATE_TAG_ASIO_THREADS ""
#endif

#define MIGRATE_TAG_MARKER "migrate plugin ABI: "
// A test of the loader pretends to be foreign by defining MIGRATE_ABI_TAG itself.
#if !defined(MIGRATE_ABI_TAG)
#define MIGRATE_ABI_TAG                                                                                           \
  "abi-" MIGRATE_TEXT(MIGRATE_ABI) " " MIGRATE_TAG_COMPILER " " MIGRATE_TAG_LIBRARY                               \
                                   " boost-" MIGRATE_TEXT(BOOST_VERSION) MIGRATE_TAG_CHECKS MIGRATE_TAG_SANITIZER \
                                       MIGRATE_TAG_ASIO_TRACKING MIGRATE_TAG_ASIO_EXECUTORS MIGRATE_TAG_ASIO_THREADS
#endif

#if defined(MIGRATE_STATIC)
#define MIGRATE_PLUGIN_SYMBOL(name) migrate_plugin_##name
#else
#define MIGRATE_PLUGIN_SYMBOL(name) migrate_plugin
#endif

/// Declares, at global scope, the descriptor of a plugin that is linked into this program: registry.add(
/// MIGRATE_PLUGIN_SYMBOL(name)). A shared build has one such symbol a program, so it is for a plugin's own tests.
#define MIGRATE_DECLARE_PLUGIN(plugin_name) \
  extern "C" __attribute__((visibility("default"))) const ::migrate::PluginDescriptor MIGRATE_PLUGIN_SYMBOL(plugin_name)

/// Once in each plugin, followed by a body that receives `migrate::Registry& registry` and adds its connectors:
///   MIGRATE_PLUGIN(jira, "0.1.0") { registry.add_sink("jira", jira_sink_spec(), make_jira_sink); }
#define MIGRATE_PLUGIN(plugin_name, plugin_version)                                                            \
  static void migrate_plugin_add_to(::migrate::Registry& registry);                                            \
  MIGRATE_DECLARE_PLUGIN(plugin_name);                                                                         \
  const ::migrate::PluginDescriptor MIGRATE_PLUGIN_SYMBOL(plugin_name) = {::migrate::plugin_magic,             \
                                                                          sizeof(::migrate::PluginDescriptor), \
                                                                          MIGRATE_TAG_MARKER MIGRATE_ABI_TAG,  \
                                                                          #plugin_name,                        \
                                                                          plugin_version,                      \
                                                                          &migrate_plugin_add_to};             \
  static void migrate_plugin_add_to([[maybe_unused]] ::migrate::Registry& registry)
