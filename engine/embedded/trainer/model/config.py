"""Sizes of the model, and the config.json they become."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelConfig:
    """The defaults are the sizes of the shipped checkpoint."""

    vocabulary: int = 1536
    width: int = 192
    layers: int = 7  # the first one dense, the others mixtures of experts
    heads: int = 6
    query_rank: int = 128
    key_value_rank: int = 64
    plain_dims: int = 32  # of a query or key head, without position
    rotary_dims: int = 32
    value_dims: int = 32
    dense_width: int = 512
    expert_width: int = 64
    experts: int = 16
    experts_per_token: int = 4
    groups: int = 4
    groups_per_token: int = 2
    routed_scaling: float = 2.5
    norm_epsilon: float = 1e-6
    rope_base: float = 10000.0
    yarn_factor: float = 4.0
    yarn_original_context: int = 512
    yarn_beta_fast: float = 32.0
    yarn_beta_slow: float = 1.0
    yarn_mscale: float = 1.0
    yarn_mscale_all_dim: float = 1.0
    context: int = 2048

    @property
    def query_dims(self) -> int:
        return self.plain_dims + self.rotary_dims

    def hugging_face(self) -> dict:
        """The fields of config.json."""
        return {
            "architectures": ["DeepseekV3ForCausalLM"],
            "model_type": "deepseek_v3",
            "attention_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": 0,
            "eos_token_id": 1,
            "pad_token_id": 2,
            "ep_size": 1,
            "first_k_dense_replace": 1,
            "hidden_act": "silu",
            "hidden_size": self.width,
            "initializer_range": 0.02,
            "intermediate_size": self.dense_width,
            "kv_lora_rank": self.key_value_rank,
            "max_position_embeddings": self.context,
            "moe_intermediate_size": self.expert_width,
            "moe_layer_freq": 1,
            "n_group": self.groups,
            "n_routed_experts": self.experts,
            "n_shared_experts": 1,
            "norm_topk_prob": True,
            "num_attention_heads": self.heads,
            "num_experts_per_tok": self.experts_per_token,
            "num_hidden_layers": self.layers,
            "num_key_value_heads": self.heads,
            "num_nextn_predict_layers": 0,
            "q_lora_rank": self.query_rank,
            "qk_nope_head_dim": self.plain_dims,
            "qk_rope_head_dim": self.rotary_dims,
            "rms_norm_eps": self.norm_epsilon,
            "rope_scaling": {
                "beta_fast": int(self.yarn_beta_fast),
                "beta_slow": int(self.yarn_beta_slow),
                "factor": int(self.yarn_factor),
                "mscale": self.yarn_mscale,
                "mscale_all_dim": self.yarn_mscale_all_dim,
                "original_max_position_embeddings": self.yarn_original_context,
                "type": "yarn",
            },
            "rope_theta": int(self.rope_base),
            "routed_scaling_factor": self.routed_scaling,
            "scoring_func": "sigmoid",
            "tie_word_embeddings": False,
            "topk_group": self.groups_per_token,
            "topk_method": "noaux_tc",
            "torch_dtype": "bfloat16",
            "use_cache": True,
            "v_head_dim": self.value_dims,
            "vocab_size": self.vocabulary,
        }
