# add_migrate_plugin(NAME SOURCES ... [LIBRARIES ...] [TESTS ...])
#
# A connector as a module beside a shared core, or as an archive for the static build, from the same files. TESTS are
# doctest files, each one executable test_<name>_<file>, linked with the plugin's objects. In a project of its own the
# helper comes with find_package(migrate).
include_guard()

function(add_migrate_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES;TESTS" ${ARGN})
  set(objects migrate_plugin_${name}_objects)
  add_library(${objects} OBJECT ${arg_SOURCES})
  target_link_libraries(${objects} PUBLIC migrate::migrate ${arg_LIBRARIES})
  target_include_directories(${objects} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_definitions(${objects} PRIVATE MIGRATE_PLUGIN_NAME="${name}")
  set_target_properties(${objects} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
                                              POSITION_INDEPENDENT_CODE ON)
  if(TARGET migrate_build)
    target_link_libraries(${objects} PRIVATE migrate_build)
  endif()

  get_target_property(core_type migrate::migrate TYPE)
  if(core_type STREQUAL "STATIC_LIBRARY")
    add_library(migrate_plugin_${name} STATIC $<TARGET_OBJECTS:${objects}>)
    target_link_libraries(migrate_plugin_${name} PUBLIC migrate::migrate ${arg_LIBRARIES})
  else()
    add_library(migrate_plugin_${name} MODULE $<TARGET_OBJECTS:${objects}>)
    target_link_libraries(migrate_plugin_${name} PRIVATE migrate::migrate ${arg_LIBRARIES})
    set_target_properties(migrate_plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name})
    if(MIGRATE_PLUGIN_OUTPUT_DIRECTORY)
      file(REMOVE ${MIGRATE_PLUGIN_OUTPUT_DIRECTORY}/${name}.not-built)
      set_target_properties(migrate_plugin_${name} PROPERTIES
                            LIBRARY_OUTPUT_DIRECTORY ${MIGRATE_PLUGIN_OUTPUT_DIRECTORY})
    endif()
    if(MIGRATE_INSTALL OR (PROJECT_IS_TOP_LEVEL AND NOT PROJECT_NAME STREQUAL "migrate"))
      include(GNUInstallDirs)
      set_target_properties(migrate_plugin_${name} PROPERTIES INSTALL_RPATH "$ORIGIN/../..")
      install(TARGETS migrate_plugin_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/migrate/plugins)
    endif()
  endif()
  set_property(GLOBAL APPEND PROPERTY MIGRATE_PLUGINS ${name})

  if(MIGRATE_BUILD_TESTS)
    foreach(file IN LISTS arg_TESTS)
      get_filename_component(test ${file} NAME_WE)
      migrate_add_test(${name}_${test} SOURCES ${file} LIBRARIES ${objects})
    endforeach()
  endif()
endfunction()

# migrate_collect_static_plugins(TARGET [PLUGINS name ...])
#
# Gives TARGET the function `migrate::register_static_plugins(Registry&)` (plugin.hpp). In the static build it registers
# the named plugins, default all that were configured before this call; in the shared build it does nothing, since
# Registry::discover() finds them.
function(migrate_collect_static_plugins target)
  cmake_parse_arguments(arg "" "" "PLUGINS" ${ARGN})
  get_property(built GLOBAL PROPERTY MIGRATE_PLUGINS)
  get_property(not_built GLOBAL PROPERTY MIGRATE_PLUGINS_NOT_BUILT)
  set(declarations "")
  set(calls "")
  get_target_property(core_type migrate::migrate TYPE)
  if(core_type STREQUAL "STATIC_LIBRARY")
    if(NOT arg_PLUGINS)
      set(arg_PLUGINS ${built})
    endif()
    foreach(name IN LISTS arg_PLUGINS)
      string(APPEND declarations "extern \"C\" const migrate::PluginDescriptor migrate_plugin_${name};\n")
      string(APPEND calls "  registry.add(migrate_plugin_${name});\n")
      target_link_libraries(${target} PRIVATE migrate_plugin_${name})
    endforeach()
    foreach(name IN LISTS not_built)
      get_property(reason GLOBAL PROPERTY MIGRATE_PLUGIN_NOT_BUILT_${name})
      string(APPEND calls "  registry.add_not_built(\"${name}\", R\"(${reason})\");\n")
    endforeach()
  endif()
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${target}_static_plugins.cpp)
  file(CONFIGURE OUTPUT ${file} @ONLY CONTENT "#include \"migrate/plugin.hpp\"

@declarations@
MIGRATE_BEGIN
void register_static_plugins([[maybe_unused]] Registry& registry) {
@calls@}
MIGRATE_END
")
  target_sources(${target} PRIVATE ${file})
endfunction()

# migrate_plugin_not_built(NAME "why"): a connector that is left out of this build; `migrate plugins` lists it
function(migrate_plugin_not_built name reason)
  message(STATUS "Plugin ${name} is not built: ${reason}")
  set_property(GLOBAL APPEND PROPERTY MIGRATE_PLUGINS_NOT_BUILT ${name})
  set_property(GLOBAL PROPERTY MIGRATE_PLUGIN_NOT_BUILT_${name} "${reason}")
  if(MIGRATE_PLUGIN_OUTPUT_DIRECTORY)
    file(WRITE ${MIGRATE_PLUGIN_OUTPUT_DIRECTORY}/${name}.not-built "${reason}\n")
    file(REMOVE ${MIGRATE_PLUGIN_OUTPUT_DIRECTORY}/${name}.so)
    if(MIGRATE_INSTALL)
      include(GNUInstallDirs)
      install(FILES ${MIGRATE_PLUGIN_OUTPUT_DIRECTORY}/${name}.not-built
              DESTINATION ${CMAKE_INSTALL_LIBDIR}/migrate/plugins)
    endif()
  endif()
endfunction()

# migrate_add_test(NAME SOURCES ... [LIBRARIES ...] [LABELS ...] [TIMEOUT seconds]): one doctest executable
function(migrate_add_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(test_${name} ${arg_SOURCES} $<TARGET_OBJECTS:migrate_test_main>)
  target_link_libraries(test_${name} PRIVATE migrate::migrate ${arg_LIBRARIES})
  if(TARGET migrate_build)
    target_link_libraries(test_${name} PRIVATE migrate_build)
    # What is tested is optimised in full; the tests themselves are many, and built more often than run.
    target_compile_options(test_${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
  endif()
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
  target_compile_definitions(test_${name} PRIVATE MIGRATE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                                  MIGRATE_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}" SKIP_RETURN_CODE 77)
endfunction()
