// The words of the text form, shared by printer and reader.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "lang/ir/ir.h"

namespace hearsay::ir {

inline constexpr std::array kReductionNames = {
    std::pair{Reduction::sum, std::string_view{"sum"}},
    std::pair{Reduction::product, std::string_view{"product"}},
    std::pair{Reduction::minimum, std::string_view{"minimum"}},
    std::pair{Reduction::maximum, std::string_view{"maximum"}},
    std::pair{Reduction::all, std::string_view{"all"}},
    std::pair{Reduction::any, std::string_view{"any"}},
    std::pair{Reduction::log_sum_exp, std::string_view{"log_sum_exp"}},
};

inline constexpr std::array kTermKindNames = {
    std::pair{TermKind::prior, std::string_view{"prior"}},
    std::pair{TermKind::evidence, std::string_view{"evidence"}},
    std::pair{TermKind::soft, std::string_view{"soft"}},
    std::pair{TermKind::factor, std::string_view{"factor"}},
};

inline constexpr std::array kTypeNames = {
    std::pair{ScalarType::boolean, std::string_view{"boolean"}},
    std::pair{ScalarType::integer, std::string_view{"integer"}},
    std::pair{ScalarType::real, std::string_view{"real"}},
};

}  // namespace hearsay::ir
