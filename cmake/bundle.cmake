# deepbio_bundle_libraries(): HDF5, libdeflate and zlib from static archives, for a wheel that runs where they are not
# installed. Their symbols stay hidden, so that another HDF5 in the process (h5py's) is not disturbed. Debian's shared
# HDF5 brings 40 libraries with it (curl, Kerberos, LDAP); none of them is needed to read a file.
function(deepbio_bundle_libraries)
  find_library(_hdf5 NAMES libhdf5.a libhdf5_serial.a PATH_SUFFIXES hdf5/serial REQUIRED)
  foreach(part sz aec deflate z)
    find_library(_${part} NAMES lib${part}.a REQUIRED)
  endforeach()
  set(copy ${PROJECT_BINARY_DIR}/bundled/libhdf5.a)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/bundled)
  execute_process(COMMAND ${CMAKE_OBJCOPY} --redefine-sym stderr=deepbio_stderr --redefine-sym stdout=deepbio_stdout
    ${_hdf5} ${copy} COMMAND_ERROR_IS_FATAL ANY)
  add_library(deepbio_hdf5_streams OBJECT ${PROJECT_SOURCE_DIR}/cmake/hdf5_streams.c)
  set_target_properties(PkgConfig::HDF5 PROPERTIES INTERFACE_LINK_LIBRARIES
    "$<TARGET_OBJECTS:deepbio_hdf5_streams>;${copy};${_sz};${_aec};${_z};m;dl")
  if(TARGET PkgConfig::LIBDEFLATE)
    set_target_properties(PkgConfig::LIBDEFLATE PROPERTIES INTERFACE_LINK_LIBRARIES ${_deflate})
  endif()
  set_target_properties(ZLIB::ZLIB PROPERTIES IMPORTED_LOCATION ${_z} IMPORTED_LOCATION_RELEASE ${_z})
  add_link_options(LINKER:--exclude-libs,ALL)
endfunction()
