# Run by cpack on the files to be packaged: what Debian wants besides what `cmake --install` installs.
set(share "${CPACK_TEMPORARY_DIRECTORY}/usr/share")
set(CPACK_PACKAGE_CONTACT "${CPACK_DEBIAN_PACKAGE_MAINTAINER}")
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # SOURCE_DATE_EPOCH, when it is set
configure_file("${CMAKE_CURRENT_LIST_DIR}/changelog.in" "${share}/doc/certd/changelog" @ONLY)
configure_file("${CMAKE_CURRENT_LIST_DIR}/copyright" "${share}/doc/certd/copyright" COPYONLY)
configure_file("${CMAKE_CURRENT_LIST_DIR}/lintian-overrides" "${share}/lintian/overrides/certd" COPYONLY)
file(GLOB compressed "${share}/man/man*/*.[1-9]" "${share}/doc/certd/changelog" "${share}/doc/certd/CHANGELOG.md")
execute_process(COMMAND gzip -9nf ${compressed} COMMAND_ERROR_IS_FATAL ANY)
