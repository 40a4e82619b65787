# How everything in this tree is compiled: one private interface target, never exported.
include_guard()

find_program(MIGRATE_CCACHE ccache)
if(MIGRATE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${MIGRATE_CCACHE})
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
endif()
if(MIGRATE_WERROR)
  target_compile_options(migrate_build INTERFACE -Werror)
endif()
if(MIGRATE_SANITIZE)
  # vptr, null and alignment triple the compile time of coroutine code and have found nothing that address does not.
  add_compile_options(-fsanitize=${MIGRATE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
                      -fno-sanitize=vptr,null,alignment)
  add_link_options(-fsanitize=${MIGRATE_SANITIZE})
endif()
