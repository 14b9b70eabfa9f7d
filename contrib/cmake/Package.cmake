# `cpack` in a build directory makes certd_VERSION_ARCHITECTURE.deb of what is installed. `cpack -R VERSION` gives it another version.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME certd)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CERTD_PACKAGE_CONTACT "The authors of certd <certd@localhost>" CACHE STRING "Who maintains the package: NAME <ADDRESS>")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${CERTD_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "keeps TLS certificates issued, deployed and served")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "certd obtains certificates from ACME servers such as Let's Encrypt, renews
them in time, deploys each new version to the services that use it, on this
machine or on others over ssh, and looks whether they serve it. A deployment
that fails is put back, verified, and tried again without another order.
.
This package has the daemon certd, its client certctl, and systemd units.")
# What the programs are linked with is found by dpkg-shlibdeps. The group and the directories are made by systemd's tools.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, openssh-client")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bash-completion, jq")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/contrib/packaging/postinst"
  "${CMAKE_SOURCE_DIR}/contrib/packaging/prerm"
  "${CMAKE_SOURCE_DIR}/contrib/packaging/postrm")
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_SOURCE_DIR}/contrib/packaging/finish.cmake")
include(CPack)
