//! What a run used up.

use serde::{Deserialize, Serialize};

use super::Unknown;

/// Tokens and money of a whole run; what is not known is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Tokens read by models.
    #[serde(default)]
    pub input_tokens: Option<i64>,
    /// Tokens written by models.
    #[serde(default)]
    pub output_tokens: Option<i64>,
    /// US dollars.
    #[serde(default)]
    pub cost_usd: Option<f64>,
    /// The model that did the main work.
    #[serde(default)]
    pub model: Option<String>,
    /// Whether tokens and money were summed up from the run's prompts or iterations, because its finish stated
    /// none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Cost {
    /// Adds tokens and money; an unknown amount adds nothing.
    pub fn add(&mut self, input_tokens: Option<i64>, output_tokens: Option<i64>, cost_usd: Option<f64>) {
        let tokens = |sum: &mut Option<i64>, more: Option<i64>| {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or(0).saturating_add(more));
            }
        };
        tokens(&mut self.input_tokens, input_tokens);
        tokens(&mut self.output_tokens, output_tokens);
        if let Some(more) = cost_usd {
            self.cost_usd = Some(self.cost_usd.unwrap_or(0.0) + more);
        }
    }
}
