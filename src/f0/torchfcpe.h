#pragma once

#include <string_view>

namespace contentvec::f0 {

/// The checkpoint in the Python package torchfcpe 0.0.4, in its wheel or below the folder that has it installed.
inline constexpr std::string_view kFcpeInPackage = "torchfcpe/assets/fcpe_c_v001.pt";

/// What contentvec::find_fcpe() did not find, and how it can be had: for an error.
inline constexpr std::string_view kFcpeNotInstalled =
    "fcpe: the Python package torchfcpe, which carries FCPE's weights, is not installed where it is looked for "
    "($VIRTUAL_ENV, $CONDA_PREFIX, $PYTHONPATH, the Python on the PATH, ~/.local, the system's): run `pip install "
    "--no-deps torchfcpe==0.0.4`, or give the path of its wheel (`pip download --no-deps torchfcpe==0.0.4`)";

}  // namespace contentvec::f0
