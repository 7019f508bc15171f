// The tables themselves.
#include "scorers/math/latex_words.h"

#include <algorithm>
#include <string>

namespace moebius::scorers::math {
namespace {

struct Entry {
  std::string_view name;
  Meaning meaning;
};

constexpr Entry kCommands[] = {
    {"pi", {Tok::kConstant, "pi"}},
    {"infty", {Tok::kConstant, "oo"}},
    {"infinity", {Tok::kConstant, "oo"}},
    {"cdot", {Tok::kOperator, "*"}},
    {"times", {Tok::kOperator, "*"}},
    {"ast", {Tok::kOperator, "*"}},
    {"div", {Tok::kOperator, "/"}},
    {"pm", {Tok::kOperator, "pm"}},
    {"mp", {Tok::kOperator, "mp"}},
    {"le", {Tok::kOperator, "<="}},
    {"leq", {Tok::kOperator, "<="}},
    {"leqslant", {Tok::kOperator, "<="}},
    {"leqq", {Tok::kOperator, "<="}},
    {"ge", {Tok::kOperator, ">="}},
    {"geq", {Tok::kOperator, ">="}},
    {"geqslant", {Tok::kOperator, ">="}},
    {"geqq", {Tok::kOperator, ">="}},
    {"lt", {Tok::kOperator, "<"}},
    {"gt", {Tok::kOperator, ">"}},
    {"ne", {Tok::kOperator, "!="}},
    {"neq", {Tok::kOperator, "!="}},
    {"approx", {Tok::kOperator, "approx"}},
    {"simeq", {Tok::kOperator, "approx"}},
    {"sim", {Tok::kOperator, "approx"}},
    {"equiv", {Tok::kOperator, "="}},
    {"in", {Tok::kOperator, "in"}},
    {"cup", {Tok::kOperator, "cup"}},
    {"bigcup", {Tok::kOperator, "cup"}},
    {"cap", {Tok::kOperator, "cap"}},
    {"setminus", {Tok::kOperator, "minus"}},
    {"backslash", {Tok::kOperator, "minus"}},
    {"circ", {Tok::kOperator, "degree"}},
    {"degree", {Tok::kOperator, "degree"}},
    {"degrees", {Tok::kOperator, "degree"}},
    {"lbrace", {Tok::kOperator, "\\{"}},
    {"rbrace", {Tok::kOperator, "\\}"}},
    {"lbrack", {Tok::kOperator, "["}},
    {"rbrack", {Tok::kOperator, "]"}},
    {"langle", {Tok::kOperator, "("}},
    {"rangle", {Tok::kOperator, ")"}},
    {"vert", {Tok::kOperator, "|"}},
    {"lvert", {Tok::kOperator, "|"}},
    {"rvert", {Tok::kOperator, "|"}},
    {"mid", {Tok::kOperator, "|"}},
    {"Vert", {Tok::kOperator, "|"}},
    {"lVert", {Tok::kOperator, "|"}},
    {"rVert", {Tok::kOperator, "|"}},
    {"prime", {Tok::kOperator, "'"}},
    {"colon", {Tok::kOperator, ":"}},
    {"quad", {Tok::kOperator, "sep"}},
    {"qquad", {Tok::kOperator, "sep"}},
    {"land", {Tok::kOperator, "and"}},
    {"lor", {Tok::kOperator, "and"}},
    {"frac", {Tok::kStructure, "frac"}},
    {"dfrac", {Tok::kStructure, "frac"}},
    {"tfrac", {Tok::kStructure, "frac"}},
    {"cfrac", {Tok::kStructure, "frac"}},
    {"sqrt", {Tok::kStructure, "sqrt"}},
    {"binom", {Tok::kStructure, "binom"}},
    {"dbinom", {Tok::kStructure, "binom"}},
    {"tbinom", {Tok::kStructure, "binom"}},
    {"overline", {Tok::kStructure, "overline"}},
    {"bar", {Tok::kStructure, "overline"}},
    {"lfloor", {Tok::kStructure, "lfloor"}},
    {"rfloor", {Tok::kStructure, "rfloor"}},
    {"lceil", {Tok::kStructure, "lceil"}},
    {"rceil", {Tok::kStructure, "rceil"}},
    {"sum", {Tok::kStructure, "sum"}},
    {"prod", {Tok::kStructure, "prod"}},
    {"int", {Tok::kStructure, "int"}},
    {"lim", {Tok::kStructure, "lim"}},
    {"emptyset", {Tok::kStructure, "empty"}},
    {"varnothing", {Tok::kStructure, "empty"}},
    {"log", {Tok::kFunction, "log"}},
    {"lg", {Tok::kFunction, "lg"}},
    {"ln", {Tok::kFunction, "ln"}},
    {"exp", {Tok::kFunction, "exp"}},
    {"sin", {Tok::kFunction, "sin"}},
    {"cos", {Tok::kFunction, "cos"}},
    {"tan", {Tok::kFunction, "tan"}},
    {"cot", {Tok::kFunction, "cot"}},
    {"sec", {Tok::kFunction, "sec"}},
    {"csc", {Tok::kFunction, "csc"}},
    {"arcsin", {Tok::kFunction, "asin"}},
    {"arccos", {Tok::kFunction, "acos"}},
    {"arctan", {Tok::kFunction, "atan"}},
    {"arccot", {Tok::kFunction, "acot"}},
    {"sinh", {Tok::kFunction, "sinh"}},
    {"cosh", {Tok::kFunction, "cosh"}},
    {"tanh", {Tok::kFunction, "tanh"}},
    {"coth", {Tok::kFunction, "coth"}},
    {"arsinh", {Tok::kFunction, "asinh"}},
    {"arcosh", {Tok::kFunction, "acosh"}},
    {"artanh", {Tok::kFunction, "atanh"}},
    {"gcd", {Tok::kFunction, "gcd"}},
    {"lcm", {Tok::kFunction, "lcm"}},
    {"max", {Tok::kFunction, "max"}},
    {"min", {Tok::kFunction, "min"}},
};

constexpr Entry kWords[] = {
    {"pi", {Tok::kConstant, "pi"}},         {"inf", {Tok::kConstant, "oo"}},
    {"infinity", {Tok::kConstant, "oo"}},   {"infty", {Tok::kConstant, "oo"}},
    {"oo", {Tok::kConstant, "oo"}},         {"sqrt", {Tok::kStructure, "sqrt"}},
    {"frac", {Tok::kStructure, "frac"}},    {"and", {Tok::kOperator, "and"}},
    {"or", {Tok::kOperator, "and"}},        {"arcsin", {Tok::kFunction, "asin"}},
    {"arccos", {Tok::kFunction, "acos"}},   {"arctan", {Tok::kFunction, "atan"}},
    {"asin", {Tok::kFunction, "asin"}},     {"acos", {Tok::kFunction, "acos"}},
    {"atan", {Tok::kFunction, "atan"}},     {"sin", {Tok::kFunction, "sin"}},
    {"cos", {Tok::kFunction, "cos"}},       {"tan", {Tok::kFunction, "tan"}},
    {"cot", {Tok::kFunction, "cot"}},       {"sec", {Tok::kFunction, "sec"}},
    {"csc", {Tok::kFunction, "csc"}},       {"sinh", {Tok::kFunction, "sinh"}},
    {"cosh", {Tok::kFunction, "cosh"}},     {"tanh", {Tok::kFunction, "tanh"}},
    {"log", {Tok::kFunction, "log"}},       {"ln", {Tok::kFunction, "ln"}},
    {"exp", {Tok::kFunction, "exp"}},       {"abs", {Tok::kFunction, "abs"}},
    {"degree", {Tok::kOperator, "degree"}}, {"degrees", {Tok::kOperator, "degree"}},
    {"percent", {Tok::kOperator, "%"}},     {"pct", {Tok::kOperator, "%"}},
    {"union", {Tok::kOperator, "cup"}},     {"cup", {Tok::kOperator, "cup"}},
};

constexpr std::string_view kGreek =
    " alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi "
    "rho varrho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma "
    "Upsilon Phi Psi Omega ell hbar partial nabla ";

constexpr std::string_view kInvisible =
    " left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr displaystyle textstyle "
    "scriptstyle limits nolimits thinspace medspace thickspace negthinspace hspace vspace rm bf it "
    "mathstrut strut dotsb angle triangle middle boldsymbol color hfill square nonumber ";

constexpr std::string_view kTextual =
    " text textbf textit textrm textnormal texttt textsf mathrm mathbf mathit mathsf mathtt "
    "mathcal "
    "mathbb mathfrak mbox hbox operatorname fbox emph underline vec hat tilde overrightarrow "
    "boxed bm pmb rm ";

// Longest first where one begins another.
constexpr Character kCharacters[] = {
    {"\u03c0", "\\pi "},     {"\u221a", "\\sqrt "},     {"\u221e", "\\infty "},
    {"\u00d7", "*"},         {"\u00f7", "/"},           {"\u00b7", "*"},
    {"\u22c5", "*"},         {"\u2219", "*"},           {"\u2212", "-"},
    {"\u2013", "-"},         {"\u2014", "-"},           {"\u2264", "\\le "},
    {"\u2265", "\\ge "},     {"\u2260", "\\ne "},       {"\u2248", "\\approx "},
    {"\u00b1", "\\pm "},     {"\u2213", "\\mp "},       {"\u222a", "\\cup "},
    {"\u2229", "\\cap "},    {"\u2208", "\\in "},       {"\u00b0", "\\degree "},
    {"\u00ba", "\\degree "}, {"\u00b2", "^2"},          {"\u00b3", "^3"},
    {"\u00b9", "^1"},        {"\u2074", "^4"},          {"\u2070", "^0"},
    {"\u00bd", "\\frac12"},  {"\u00bc", "\\frac14"},    {"\u00be", "\\frac34"},
    {"\u2032", "'"},         {"\u2044", "/"},           {"\u2205", "\\emptyset "},
    {"\u03b1", "\\alpha "},  {"\u03b2", "\\beta "},     {"\u03b3", "\\gamma "},
    {"\u03b8", "\\theta "},  {"\u03bb", "\\lambda "},   {"\u03bc", "\\mu "},
    {"\u03c6", "\\phi "},    {"\u03c9", "\\omega "},    {"\u0394", "\\Delta "},
    {"\uff0c", ","},         {"\uff1b", ";"},           {"\uff1a", ":"},
    {"\uff08", "("},         {"\uff09", ")"},           {"\u3001", ","},
    {"\u3002", " "},         {"\uff1d", "="},           {"\u00a0", " "},
    {"\u2009", " "},         {"\u202f", " "},           {"\u20ac", " "},
    {"\u00a3", " "},         {"\u00a5", " "},           {"\u2192", "\\to "},
    {"\u230a", "\\lfloor "}, {"\u230b", "\\rfloor "},   {"\u2308", "\\lceil "},
    {"\u2309", "\\rceil "},  {"\u27e8", "("},           {"\u27e9", ")"},
    {"\u2261", "="},         {"\u211d", "\\mathbb{R}"},
};

bool listed(std::string_view list, std::string_view word) {
  return list.find(" " + std::string(word) + " ") != std::string_view::npos;
}

template <std::size_t N>
std::optional<Meaning> find(const Entry (&table)[N], std::string_view name) {
  const auto* found =
      std::find_if(table, table + N, [&](const Entry& entry) { return entry.name == name; });
  return found == table + N ? std::nullopt : std::optional<Meaning>(found->meaning);
}

}  // namespace

std::optional<Meaning> command_meaning(std::string_view name) {
  if (const auto known = find(kCommands, name)) return known;
  if (listed(kGreek, name)) return Meaning{Tok::kSymbol, name};
  return std::nullopt;
}

bool invisible_command(std::string_view name) {
  return listed(kInvisible, name);
}
bool text_command(std::string_view name) {
  return listed(kTextual, name);
}
std::optional<Meaning> word_meaning(std::string_view word) {
  return find(kWords, word);
}

const Character* special_character(std::string_view text) {
  for (const Character& character : kCharacters) {
    if (text.substr(0, character.utf8.size()) == character.utf8) return &character;
  }
  return nullptr;
}

}  // namespace moebius::scorers::math
