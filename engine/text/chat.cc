#include "engine/text/chat.h"

#include <array>
#include <iterator>

#include "engine/engine.h"
#include "engine/text/tokenizer_data.h"

namespace moebius::engine {
namespace {

constexpr ChatTemplate kTemplates[] = {
    {"DeepSeek-V3",
     {"3b8267e54b67df6500f231ffa969955cc9d26b3444a291ced4eb96ca7d3ca1ea",
      "1abb11869cb1ab4f7003d1c40de7c11b046c7844da22a67e6154d29e7d14d994"},
     render_deepseek_v3},
    {"DeepSeek-V3-0324",
     {"22e97ba043dacf9df1f071a9de9d2bb6b0757491f16e96e810834b86e1641286",
      "86c9eb894f13402f6a30ad06ba7b05d436db0c7e1cc2ba84791a957fb4f6210d"},
     render_deepseek_v3_0324},
    {"DeepSeek-R1",
     {"563b1ce7d61d50a9b4c7439a912a1116f095b712df5b5e4d3e1116049874eb64",
      "5b7a90c17faa4288745d78ec7097e9a571a3bb7cddc0ab0282d552bd63c7fb51"},
     render_deepseek_r1},
    {"DeepSeek-R1-Distill",
     {"56a1447ad31926fdc21fb07e56e5642bd9c850c4f52d8c8af7bbe5f079a84f5f",
      "795ba6276beff6e84e75213f77a7e7fff71b6c587618a6ed43c1f90c2ad2334a"},
     render_deepseek_r1_distill},
    {"DeepSeek-R1-Distill, first",
     {"b6835114b7303ddd78919a82e4d9f7d8c26ed0d7dfc36beeb12d524f6144eab1",
      "1546232b56f9c33a5d7fcdc270b0014d67dff9c3df06737f091a4a7dee729c3a"},
     render_deepseek_r1_distill_first},
    {"DeepSeek-R1-Distill, formatted",
     {"03cb8191637dd031cf7dca8bffd267b741d0cb46ab490dc7e452f62f02184b02",
      "17cf3acc428d845fa807a0dfbb943f4038762594ea8e6292c2e1955b3620c62f"},
     render_deepseek_r1_distill},
    {"DeepSeek-R1-0528",
     {"197ecb0f6315af9121078b3f966dfd9d9f1debcd4baf5ac229671b4818d33e26",
      "ec4a098730c767a3fe88cb1a8724a98f51589e6db205bb3e4f8fbbf73a841683"},
     render_deepseek_r1_0528},
    {"DeepSeek-R1-0528-Qwen3",
     {"53671bac29bcb3e1f95f51b8c77d85a6011b66dc38bd23dce64eef04384a976b",
      "f04e2c07c639ea5fb4d3ce97d23b64236bf28b2a7b28a280e41176abf393f5fb"},
     render_deepseek_r1_0528_qwen3},
    {"DeepSeek-LLM/V2",
     {"4e09291d600218e4974c2ddc9d2c9748cba04919746626bea599488cd57ad075",
      "89bc87032ebd92118d1c8a3c9c90521d79fa51f8a54a819cefc4b3011d598fb3"},
     render_deepseek_v2},
    {"DeepSeek-V2-0628",
     {"dbeb539659c622cfa79c8316c07d97e4b887ddfc6024c27fb9d7d4950c648002",
      "1222a12dcc92d2aa5e058364742881b1a8c48af3fc212d150770d7c1b1d36535"},
     render_deepseek_v2_0628},
    {"DeepSeek-V3.1",
     {"37cabd20b2b62e3efe7fa55533ef0bc6e1eae63b60cf77265b2a09632aa1358d",
      "45690185067ea25c073bff2d3e425a45ee2564d2bbf6cdf7d885e139d460b8e0"},
     render_deepseek_v3_1},
    {"DeepSeek-V3.1, formatted",
     {"7fe7159748925dc7d9e2aaeb11e4bd3121c311d8d0e3a0d6377fb8550e64c560",
      "01d5756358f3c23cd36e445c3f6f81520b3b01842cdcc678d6fc0b0946b40235"},
     render_deepseek_v3_1},
    {"Qwen3",
     {"87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5",
      "2df317a15cbc983d9602cc391d33be17237d47ec7eb11ead80fae277143958aa"},
     render_qwen3},
    {"Qwen3, updated",
     {"13e4d4e5d0161c2d6625008905857c049f60f2ebbacf1ba2796cec9daf11c483",
      "24b16d01f343e1c910faa92f1c3db055bb39905fdd22ce9955facccb2cd75981"},
     render_qwen3},
    {"Qwen3, no switch",
     {"40c21f34cf67d8c760ef72f8ad3ae5afad514299d4b06e91dd9a8d705af7b541",
      "8cdccda78b7821383997aa7180b12517d09fc3bb6df574b71f4948a4cd89a2ab"},
     render_qwen3},
    {"Qwen3-Thinking-2507",
     {"3802169b2a02b81e6adb7ab4f64f91ff02db753c8c3a64a01c35192d3a61d8d7",
      "72e7e9715c1c73c33e15cdf3c5d37cc0efefc25eb6299fc6a6fa516237913bf8"},
     render_qwen3_thinking},
    {"Qwen3-Instruct-2507",
     {"64f85b198065d0fba2a81f37e10ed68161ce2c19a754c7100e67e0ca2ee9c326",
      "aa39eed4cbfdd57aeaab518e83d06945f00df6afefba6eb985b6b85060cade95"},
     render_qwen3_instruct},
    {"Qwen2.5",
     {"55b2f4a26ac9ee719330a61a0c39d9e538b0e9322212f048326318cff4f8674a",
      "a18cc698dd45623eb707279d08e66f7bb8d76afc89ead84016b88487b395b5cc"},
     render_qwen2_5},
    {"Qwen2.5-Coder",
     {"e7ef0c0550d1e3baa43eda35eaaf927e2e0af29a5c052c45c811201acbea4090",
      "12d12d3399972c17329df29167b10adf3330c85e30d13d19fae7b1a8af4e4017"},
     render_qwen2_5_coder},
    {"Qwen2.5-1M",
     {"4039eed0f28b7aaa337e70c76cfedba3271ee32505835a095a8c92e536b3c355",
      "7d6302983e64f35c4ad9459413ee827d5dcfa23ba5373f58cde030c9f724f7e8"},
     render_qwen2_5_coder},
    {"Qwen2",
     {"793202280c0910ab26bc6eb57c8212c2417324c6d8c4efd0d10d59092ab3e3eb",
      "4a47f60b44d80f7b613656ca66b47b75af94cc096b3d60b6d34bfed38ecd9b3f"},
     render_qwen2},
    {"Llama-3",
     {"ba03a121d097859c7b5b9cd03af99aafe95275210d2876f642ad9929a150f122",
      "223a1702b3c8426fd5e0fc75a0b4955c99074d0d7e61c22c71e85077a306a9f8"},
     render_llama3},
    {"Llama-3.1",
     {"93c0e9aa3629bbd77e68dbc0f5621f6e6b23aa8d74b932595cdb8d64684526d7",
      "99799a835a31e1d33c4a9c7ee8a0de3923b291a95155ed6dc8efcbd0fe1d0238"},
     render_llama3_1},
};

std::string known_names() {
  std::string names;
  for (const ChatTemplate& known : kTemplates) {
    if (!names.empty()) names += "; ";
    names += known.name;
  }
  return names;
}

std::string_view token_text(const Tokenizer& tokenizer, std::int32_t id) {
  return id < 0 ? std::string_view() : tokenizer.token(id);
}

}  // namespace

std::span<const ChatTemplate> chat_templates() {
  return kTemplates;
}

const ChatTemplate* find_chat_template(std::string_view source) {
  if (source.ends_with('\n')) source.remove_suffix(1);
  const std::string hash = sha256_hex(source);
  for (const ChatTemplate& known : kTemplates) {
    if (hash == known.sha256[0] || hash == known.sha256[1]) return &known;
  }
  return nullptr;
}

std::string render_chat(const Tokenizer& tokenizer, std::span<const Message> messages,
                        bool add_generation_prompt) {
  const std::string& source = tokenizer.chat_template();
  if (source.empty()) {
    throw Error(
        "chat template: the tokenizer has none (tokenizer_config.json: chat_template); pass the "
        "prompt as the model expects it, without --chat");
  }
  const ChatTemplate* known = find_chat_template(source);
  if (known == nullptr) {
    throw Error(
        "chat template: unknown, sha256 " + sha256_hex(source) +
        "; render the conversation elsewhere and pass it as a prompt without --chat, or use "
        "a tokenizer_config.json with one of the known templates (" +
        known_names() + ")");
  }
  for (const Message& message : messages) {
    if (!valid_utf8(message.role) || !valid_utf8(message.content)) {
      throw Error("chat template: a message is not valid UTF-8");
    }
  }
  return known->render({.messages = messages,
                        .bos = token_text(tokenizer, tokenizer.bos()),
                        .eos = token_text(tokenizer, tokenizer.eos()),
                        .add_generation_prompt = add_generation_prompt});
}

}  // namespace moebius::engine
