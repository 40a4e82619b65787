# How everything in this tree is compiled: one private interface target, never exported.
include_guard()

option(MIGRATE_SHARED_HEADERS "Parse the headers of the standard library, Boost and fmt once for all targets" OFF)
find_program(MIGRATE_CCACHE ccache)
if(MIGRATE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${MIGRATE_CCACHE})
  if(MIGRATE_SHARED_HEADERS)
    # ccache leaves precompiled headers alone unless told.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${MIGRATE_CCACHE})
  endif()
endif()
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# -O2 with line tables: stack traces name lines, objects stay small.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
  set(MIGRATE_PLUGIN_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
endif()

add_library(migrate_build INTERFACE)
target_compile_options(migrate_build INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of g++ 12 inside Boost.JSON and std::string at -O2, and its note on coroutine frames.
  target_compile_options(migrate_build INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-mismatched-new-delete
                                                 -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  # The compiler collects its garbage from 128 MB on, and our units need several times that: a tenth of the time.
  target_compile_options(migrate_build INTERFACE "SHELL:--param ggc-min-heapsize=1048576")
endif()
if(MIGRATE_WERROR)
  target_compile_options(migrate_build INTERFACE -Werror)
endif()
if(MIGRATE_SANITIZE)
  # vptr, null and alignment triple the compile time of coroutine code and have found nothing that address does not.
  add_compile_options(-fsanitize=${MIGRATE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
                      -fno-sanitize=vptr,null,alignment)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # clang 14 cannot emit what this one needs for coroutines.
    add_compile_options(-fno-sanitize=function)
  endif()
  add_link_options(-fsanitize=${MIGRATE_SANITIZE})
endif()

# migrate_share_headers(): called last. Every target of this tree that is compiled as we compile takes the precompiled
# headers: a third of the time of a build. That ours are complete without them is shown by migrate_headers_alone, which
# stays outside, and by the packaging tests, which build each plugin by itself.
# What does not link Boost.JSON has other definitions and stays outside.
function(migrate_share_headers)
  if(NOT MIGRATE_SHARED_HEADERS)
    return()
  endif()
  find_package(Threads REQUIRED)
  find_package(Boost 1.81 REQUIRED COMPONENTS json)
  find_package(fmt REQUIRED)
  set(headers <algorithm> <array> <charconv> <chrono> <filesystem> <fstream> <functional> <iostream> <map> <memory>
              <optional> <set> <sstream> <string> <string_view> <unordered_map> <utility> <variant> <vector>
              <boost/asio/any_io_executor.hpp> <boost/asio/awaitable.hpp> <boost/asio/co_spawn.hpp>
              <boost/asio/io_context.hpp> <boost/asio/steady_timer.hpp> <boost/asio/strand.hpp>
              <boost/asio/this_coro.hpp> <boost/asio/thread_pool.hpp> <boost/asio/use_awaitable.hpp>
              <boost/json.hpp> <fmt/chrono.h> <fmt/format.h> <fmt/ranges.h>)
  # Position-independent code differs between libraries and programs: one set each.
  set(file ${PROJECT_BINARY_DIR}/shared_headers.cpp)
  file(CONFIGURE OUTPUT ${file} CONTENT "int main() {}\n")
  add_library(migrate_headers_library OBJECT ${file})
  add_executable(migrate_headers_program ${file})
  foreach(owner migrate_headers_library migrate_headers_program)
    target_link_libraries(${owner} PRIVATE Boost::headers Boost::json fmt::fmt Threads::Threads migrate_build)
    target_precompile_headers(${owner} PRIVATE ${headers})
  endforeach()
  set(folders ${PROJECT_SOURCE_DIR})
  while(folders)
    list(POP_FRONT folders folder)
    get_property(below DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
    list(APPEND folders ${below})
    get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target IN LISTS targets)
      get_target_property(type ${target} TYPE)
      get_target_property(libraries ${target} LINK_LIBRARIES)
      if(target MATCHES "^migrate_headers_(library|program|alone)$" OR NOT libraries MATCHES "migrate_build" OR
         NOT libraries MATCHES "migrate::migrate|Boost::json")
        continue()
      elseif(type STREQUAL "EXECUTABLE")
        target_precompile_headers(${target} REUSE_FROM migrate_headers_program)
      elseif(type MATCHES "_LIBRARY$")
        target_precompile_headers(${target} REUSE_FROM migrate_headers_library)
      endif()
    endforeach()
  endwhile()
endfunction()
