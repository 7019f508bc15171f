// The characters that LaTeX's mathematical macros stand for.
#include <string>
#include <unordered_map>

#include "scorers/math/latex_text.h"
#include "scorers/text/python_text.h"

namespace moebius::scorers::math {
namespace {

// Name and text in turn. Source: pylatexenc 2.10, latex2text's default specifications.
constexpr char kSymbols[] =
    "oe œ OE Œ ae æ AE Æ aa å AA Å o ø O Ø ss ß L Ł l ł i ı j ȷ backslash \\ hbar ħ ell ℓ "
    "forall ∀ complement ∁ partial ∂ exists ∃ nexists ∄ varnothing ∅ emptyset ∅ aleph ℵ "
    "nabla ∇ in ∈ notin ∉ ni ∋ prod ∏ coprod ∐ sum ∑ setminus ∖ smallsetminus ∖ ast ∗ circ ∘ "
    "bullet ∙ propto ∝ infty ∞ parallel ∥ nparallel ∦ wedge ∧ vee ∨ cap ∩ cup ∪ int ∫ iint ∬ "
    "iiint ∭ oint ∮ sim ∼ backsim ∽ simeq ≃ approx ≈ neq ≠ equiv ≡ le ≤ ge ≥ leq ≤ geq ≥ "
    "leqslant ⩽ geqslant ⩾ leqq ≦ geqq ≧ lneqq ≨ gneqq ≩ ll ≪ gg ≫ nless ≮ ngtr ≯ nleq ≰ "
    "ngeq ≱ lesssim ≲ gtrsim ≳ lessgtr ≶ gtrless ≷ prec ≺ succ ≻ preceq ≼ succeq ≽ precsim ≾ "
    "succsim ≿ nprec ⊀ nsucc ⊁ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ nsubseteq ⊈ "
    "nsupseteq ⊉ subsetneq ⊊ supsetneq ⊋ cdot · times × otimes ⊗ oplus ⊕ bigotimes ⊗ "
    "bigoplus ⊕ cos cos sin sin tan tan arccos arccos arcsin arcsin arctan arctan cosh cosh "
    "sinh sinh tanh tanh arccosh arccosh arcsinh arcsinh arctanh arctanh ln ln log log "
    "exp exp max max min min sup sup inf inf lim lim prime ' dag † dagger † pm ± mp ∓ "
    "ldots … cdots ⋯ ddots ⋱ iddots ⋰ vdots ⋮ dots … dotsc … dotsb … dotsm … dotsi … dotso … "
    "langle ⟨ rangle ⟩ lvert | rvert | vert | lVert ‖ rVert ‖ Vert ‖ mid | nmid ∤ uparrow ↑ "
    "downarrow ↓ rightarrow → to → leftarrow ← longrightarrow ⟶ longleftarrow ⟵ alpha α "
    "Alpha Α beta β Beta Β gamma γ Gamma Γ delta δ Delta Δ epsilon ϵ Epsilon Ε zeta ζ Zeta Ζ "
    "eta η Eta Η theta θ Theta Θ iota ι Iota Ι kappa κ Kappa Κ lambda λ Lambda Λ mu μ Mu Μ "
    "nu ν Nu Ν xi ξ Xi Ξ omicron ο Omicron Ο pi π Pi Π rho ρ Rho Ρ sigma σ Sigma Σ tau τ "
    "Tau Τ upsilon υ Upsilon Υ phi ϕ Phi Φ chi χ Chi Χ psi ψ Psi Ψ omega ω Omega Ω "
    "varepsilon ε vartheta ϑ varpi ϖ varrho ϱ varsigma ς varphi φ dh ð th þ dj đ ij ĳ ng ŋ "
    "varkappa ϰ backepsilon ϶ quotesinglbase ‚ quotedblbase „ backprime ‵ nolinebreak ⁠ "
    "wp "
    "℘ "
    "beth ℶ gimel ℷ daleth ℸ leftrightarrow ↔ updownarrow ↕ nwarrow ↖ nearrow ↗ searrow ↘ "
    "swarrow ↙ nleftarrow ↚ nrightarrow ↛ arrowwaveleft ↜ arrowwaveright ↝ "
    "twoheadleftarrow ↞ twoheadrightarrow ↠ leftarrowtail ↢ rightarrowtail ↣ mapsto ↦ "
    "hookleftarrow ↩ hookrightarrow ↪ looparrowleft ↫ looparrowright ↬ leftrightsquigarrow ↭ "
    "nleftrightarrow ↮ curvearrowleft ↶ curvearrowright ↷ circlearrowleft ↺ "
    "circlearrowright ↻ leftharpoonup ↼ leftharpoondown ↽ upharpoonright ↾ upharpoonleft ↿ "
    "rightharpoonup ⇀ rightharpoondown ⇁ downharpoonright ⇂ downharpoonleft ⇃ "
    "rightleftarrows ⇄ dblarrowupdown ⇅ leftrightarrows ⇆ leftleftarrows ⇇ upuparrows ⇈ "
    "rightrightarrows ⇉ downdownarrows ⇊ leftrightharpoons ⇋ rightleftharpoons ⇌ "
    "nLeftarrow ⇍ nLeftrightarrow ⇎ nRightarrow ⇏ Leftarrow ⇐ Uparrow ⇑ Rightarrow ⇒ "
    "Downarrow ⇓ Leftrightarrow ⇔ Updownarrow ⇕ rightsquigarrow ⇝ blacksquare ▪ dotplus ∔ "
    "rightangle ∟ angle ∠ measuredangle ∡ sphericalangle ∢ surfintegral ∯ volintegral ∰ "
    "clwintegral ∱ therefore ∴ because ∵ homothetic ∻ lazysinv ∾ wr ≀ cong ≅ "
    "approxnotequal ≆ approxeq ≊ tildetrpl ≋ allequal ≌ asymp ≍ Bumpeq ≎ bumpeq ≏ doteq ≐ "
    "doteqdot ≑ fallingdotseq ≒ risingdotseq ≓ eqcirc ≖ circeq ≗ estimates ≙ starequal ≛ "
    "triangleq ≜ between ≬ notlessgreater ≸ notgreaterless ≹ uplus ⊎ sqsubset ⊏ sqsupset ⊐ "
    "sqsubseteq ⊑ sqsupseteq ⊒ sqcap ⊓ sqcup ⊔ ominus ⊖ oslash ⊘ odot ⊙ circledcirc ⊚ "
    "circledast ⊛ circleddash ⊝ boxplus ⊞ boxminus ⊟ boxtimes ⊠ boxdot ⊡ vdash ⊢ dashv ⊣ "
    "top ⊤ perp ⊥ truestate ⊧ forcesextra ⊨ nvdash ⊬ nvDash ⊭ nVdash ⊮ nVDash ⊯ "
    "vartriangleleft ⊲ vartriangleright ⊳ trianglelefteq ⊴ trianglerighteq ⊵ original ⊶ "
    "image ⊷ multimap ⊸ hermitconjmatrix ⊹ intercal ⊺ veebar ⊻ rightanglearc ⊾ bigwedge ⋀ "
    "bigvee ⋁ bigcap ⋂ bigcup ⋃ diamond ♢ star ⋆ divideontimes ⋇ bowtie ⋈ ltimes ⋉ rtimes ⋊ "
    "leftthreetimes ⋋ rightthreetimes ⋌ backsimeq ⋍ curlyvee ⋎ curlywedge ⋏ Subset ⋐ "
    "Supset ⋑ Cap ⋒ Cup ⋓ pitchfork ⋔ lessdot ⋖ gtrdot ⋗ verymuchless ⋘ verymuchgreater ⋙ "
    "lesseqgtr ⋚ gtreqless ⋛ curlyeqprec ⋞ curlyeqsucc ⋟ lnsim ⋦ gnsim ⋧ "
    "precedesnotsimilar ⋨ succnsim ⋩ ntriangleleft ⋪ ntriangleright ⋫ ntrianglelefteq ⋬ "
    "ntrianglerighteq ⋭ udots ⋰ barwedge ⌅ varperspcorrespond ⌆ lceil ⌈ rceil ⌉ lfloor ⌊ "
    "rfloor ⌋ recorder ⌕ ulcorner ⌜ urcorner ⌝ llcorner ⌞ lrcorner ⌟ frown ⌢ smile ⌣ "
    "lmoustache ⎰ rmoustache ⎱ square □ bigtriangleup △ blacktriangle ▴ vartriangle ▵ "
    "blacktriangleright ▸ triangleright ▹ bigtriangledown ▽ blacktriangledown ▾ "
    "triangledown ▿ blacktriangleleft ◂ triangleleft ◃ lozenge ◊ bigcirc ◯ quarternote ♩ "
    "flat ♭ natural ♮ sharp ♯ longleftrightarrow ⟷ Longleftarrow ⟸ Longrightarrow ⟹ "
    "longmapsto ⟼ blacklozenge ⧫ clockoint ⨏ sqrint ⨖ amalg ⨿ lessapprox ⪅ gtrapprox ⪆ "
    "lneq ⪇ gneq ⪈ lnapprox ⪉ gnapprox ⪊ lesseqqgtr ⪋ gtreqqless ⪌ eqslantless ⪕ "
    "eqslantgtr ⪖ precneqq ⪵ succneqq ⪶ precapprox ⪷ succapprox ⪸ precnapprox ⪹ "
    "succnapprox ⪺ subseteqq ⫅ supseteqq ⫆ subsetneqq ⫋ supsetneqq ⫌ lbrace { rbrace } "
    "lnot ¬ div ÷ eth ƪ Stigma Ϛ Digamma Ϝ digamma ϝ Koppa Ϟ Sampi Ϡ dddot ⃛ ddddot ⃜ "
    "hslash ℏ mho ℧ surd √ lessequivlnt ≲ greaterequivlnt ≳ preccurlyeq ≼ succcurlyeq ≽ "
    "upslopeellipsis ⋰ downslopeellipsis ⋱ circledS Ⓢ diagup ╱ rightmoon ☾ mercury ☿ venus ♀ "
    "male ♂ jupiter ♃ saturn ♄ uranus ♅ neptune ♆ pluto ♇ aries ♈ taurus ♉ gemini ♊ cancer ♋ "
    "leo ♌ virgo ♍ libra ♎ scorpio ♏ sagittarius ♐ capricornus ♑ aquarius ♒ pisces ♓ "
    "eighthnote ♪ perspcorrespond ⩞ openbracketleft 〚 openbracketright 〛 id 𝕀 ";

constexpr std::pair<std::string_view, std::string_view> kSpacing[] = {{",", " "},
                                                                      {";", " "},
                                                                      {":", " "},
                                                                      {" ", " "},
                                                                      {"!", ""},
                                                                      {"quad", "  "},
                                                                      {"qquad", "    "},
                                                                      {"-", "\xC2\xAD"},
                                                                      {"limsup", "lim sup"},
                                                                      {"liminf", "lim inf"},
                                                                      {"&", "&"},
                                                                      {"$", "$"},
                                                                      {"{", "{"},
                                                                      {"}", "}"},
                                                                      {"#", "#"},
                                                                      {"_", "_"},
                                                                      {"%", "%"},
                                                                      {"hspace", ""},
                                                                      {"vspace", "\n"},
                                                                      {"textdegree", "°"}};

std::unordered_map<std::string_view, std::string_view> read_table() {
  std::unordered_map<std::string_view, std::string_view> table(std::begin(kSpacing),
                                                               std::end(kSpacing));
  const auto words = text::split_words(kSymbols);
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) table.emplace(words[i], words[i + 1]);
  return table;
}

}  // namespace

std::optional<std::string_view> latex_symbol(std::string_view macro) {
  static const auto kTable = read_table();
  const auto found = kTable.find(macro);
  if (found == kTable.end()) return std::nullopt;
  return found->second;
}

}  // namespace moebius::scorers::math
