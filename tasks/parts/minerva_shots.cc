// Minerva's four worked examples (Lewkowycz et al. 2022, appendix D) in two copies that differ
// in white space and backslashes. A table of data: nothing in it may be tidied.
#include <array>

#include "tasks/parts/math_variants.h"

namespace moebius::tasks {
namespace {

struct Shot {
  const char* problem;
  const char* solution;
};

// clang-format off
constexpr std::array<Shot, 4> kHarness = {{
    {R"(Find the domain of the expression  $\frac{\sqrt{x-2}}{\sqrt{5-x}}$.})",
     R"(The expressions inside each square root must be non-negative. Therefore, $x-2 \ge 0$, so $x\ge2$, and $5 - x \ge 0$, so $x \le 5$. Also, the denominator cannot be equal to zero, so $5-x>0$, which gives $x<5$. Therefore, the domain of the expression is $\boxed{[2,5)}$.
Final Answer: The final answer is $[2,5)$. I hope it is correct.)"},
    {R"(If $\det \mathbf{A} = 2$ and $\det \mathbf{B} = 12,$ then find $\det (\mathbf{A} \mathbf{B}).$)",
     R"(We have that $\det (\mathbf{A} \mathbf{B}) = (\det \mathbf{A})(\det \mathbf{B}) = (2)(12) = \boxed{24}.$
Final Answer: The final answer is $24$. I hope it is correct.)"},
    {R"(Terrell usually lifts two 20-pound weights 12 times. If he uses two 15-pound weights instead, how many times must Terrell lift them in order to lift the same total weight?)",
     R"(If Terrell lifts two 20-pound weights 12 times, he lifts a total of $2\cdot 12\cdot20=480$ pounds of weight.  If he lifts two 15-pound weights instead for $n$ times, he will lift a total of $2\cdot15\cdot n=30n$ pounds of weight.  Equating this to 480 pounds, we can solve for $n$:
\begin{align*}
30n&=480\
\Rightarrow\qquad n&=480/30=\boxed{16}
\end{align*}
Final Answer: The final answer is $16$. I hope it is correct.)"},
    {R"(If the system of equations

\begin{align*}
6x-4y&=a,\
6y-9x &=b.
\end{align*}has a solution $(x, y)$ where $x$ and $y$ are both nonzero,
find $\frac{a}{b},$ assuming $b$ is nonzero.)",
     R"(If we multiply the first equation by $-\frac{3}{2}$, we obtain

$$6y-9x=-\frac{3}{2}a.$$Since we also know that $6y-9x=b$, we have

$$-\frac{3}{2}a=b\Rightarrow\frac{a}{b}=\boxed{-\frac{2}{3}}.$$
Final Answer: The final answer is $-\frac{2}{3}$. I hope it is correct.)"},
}};

constexpr std::array<Shot, 4> kDeepSeek = {{
    {R"(Find the domain of the expression $\frac{\sqrt{x-2}}{\sqrt{5-x}}$.})",
     R"(The expressions inside each square root must be non-negative.
Therefore, $x-2 \ge 0$, so $x\ge2$, and $5 - x \ge 0$, so $x \le 5$.
Also, the denominator cannot be equal to zero, so $5-x>0$, which gives $x<5$.
Therefore, the domain of the expression is $\boxed{[2,5)}$.
Final Answer: The final answer is $[2,5)$. I hope it is correct.)"},
    {kHarness[1].problem, kHarness[1].solution},
    {kHarness[2].problem,
     R"(If Terrell lifts two 20-pound weights 12 times, he lifts a total of $2\cdot 12\cdot20=480$ pounds of weight.  If he lifts two 15-pound weights instead for $n$ times, he will lift a total of $2\cdot15\cdot n=30n$ pounds of weight.  Equating this to 480 pounds, we can solve for $n$: \begin{align*}
30n&=480\\
\Rightarrow\qquad n&=480/30=\boxed{16}
\end{align*}
Final Answer: The final answer is $16$. I hope it is correct.)"},
    {R"(If the system of equations

\begin{align*}
6x-4y&=a,\\
6y-9x &=b.
\end{align*}has a solution $(x, y)$ where $x$ and $y$ are both nonzero, find $\frac{a}{b},$ assuming $b$ is nonzero.)",
     kHarness[3].solution},
}};

// clang-format on

std::string with_shots(const std::array<Shot, 4>& shots, const char* behind_solution,
                       const std::string& problem) {
  std::string text;
  for (const Shot& shot : shots) {
    text += std::string("Problem:\n") + shot.problem + "\n\nSolution:" + behind_solution +
            shot.solution + "\n\n";
  }
  return text + "Problem:\n" + problem + "\n\nSolution:";
}

}  // namespace

std::string minerva_prompt(const std::string& problem) {
  return with_shots(kHarness, " ", problem);
}

std::string minerva_deepseek_prompt(const std::string& problem) {
  return with_shots(kDeepSeek, "\n", problem);
}

}  // namespace moebius::tasks
