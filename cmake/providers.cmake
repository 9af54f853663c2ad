# Compiles share/providers/*.json in: the one definition of domains::provider_files().

function(posthorn_compile_providers target)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/share/providers/*.json)
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(rows "")
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND rows "    ProviderFile{\"${name}\", R\"json(${text})json\"},\n")
  endforeach()
  set(unit ${CMAKE_BINARY_DIR}/provider_files.cpp)
  file(CONFIGURE OUTPUT ${unit} @ONLY CONTENT
"// Made from share/providers by cmake/providers.cmake.
#include <array>

#include \"operations/domains/provider.h\"

namespace posthorn::domains {

std::span<const ProviderFile> provider_files() {
  static constexpr std::array files{
@rows@  };
  return files;
}

}  // namespace posthorn::domains
")
  target_sources(${target} PRIVATE ${unit})
endfunction()
