//! The parts of a pipeline, what each of them declares to decide and to put out, and whether a run did.
//!
//! A component is known by the stage it records under. Nothing here is enforced: what departs from the declaration is
//! a [`Finding`] for whoever maintains the pipeline.

use std::fmt;
use std::sync::Arc;

use crate::model::{Decision, Stage, Trace};

/// A part of a pipeline that says which decisions it makes.
///
/// ```
/// use whytrace::pipeline::{ComponentRegistry, DeclaredDecision, TracingComponent};
///
/// struct Collector;
///
/// impl TracingComponent for Collector {
///     fn name(&self) -> &str {
///         "collection"
///     }
///     fn decisions(&self) -> Vec<DeclaredDecision> {
///         vec![DeclaredDecision::new("source_selection").with_confidence().with_alternatives()]
///     }
///     fn outputs(&self) -> Vec<String> {
///         vec!["documents".to_owned()]
///     }
/// }
///
/// let registry = ComponentRegistry::default().with(Collector);
/// ```
pub trait TracingComponent: Send + Sync {
    /// The stage under which it records.
    fn name(&self) -> &str;

    /// The decisions that it makes.
    fn decisions(&self) -> Vec<DeclaredDecision>;

    /// The keys of the outputs that its stage ends with.
    fn outputs(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A decision that a component declares. It is expected in every run that enters the stage, unless it is
/// [`optional`](Self::optional).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredDecision {
    key: String,
    optional: bool,
    confidence: bool,
    alternatives: bool,
    evidence: bool,
}

impl DeclaredDecision {
    /// A decision with this key.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), optional: false, confidence: false, alternatives: false, evidence: false }
    }

    /// Not every run has to make it.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// It is to say how sure the decider was.
    #[must_use]
    pub fn with_confidence(mut self) -> Self {
        self.confidence = true;
        self
    }

    /// It is to name at least one option that was not taken.
    #[must_use]
    pub fn with_alternatives(mut self) -> Self {
        self.alternatives = true;
        self
    }

    /// It is to name the evidence that it rests on.
    #[must_use]
    pub fn with_evidence(mut self) -> Self {
        self.evidence = true;
        self
    }
}

/// The components of a pipeline. Cheap to clone.
#[derive(Clone, Default)]
pub struct ComponentRegistry {
    components: Arc<Vec<Arc<dyn TracingComponent>>>,
}

impl fmt::Debug for ComponentRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.components.iter().map(|component| component.name())).finish()
    }
}

/// Where a run departs from what a component declares.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A declared decision was not made.
    #[non_exhaustive]
    MissingDecision {
        /// The component.
        component: String,
        /// The decision.
        key: String,
    },
    /// A decision was made that is not declared.
    #[non_exhaustive]
    UndeclaredDecision {
        /// The component.
        component: String,
        /// The decision.
        key: String,
    },
    /// A decision lacks what it was declared to have.
    #[non_exhaustive]
    Incomplete {
        /// The component.
        component: String,
        /// The decision.
        key: String,
        /// What it lacks: `confidence`, `alternatives` or `evidence`.
        lacks: &'static str,
        /// In how many of the run's decisions of that key.
        times: usize,
    },
    /// A declared output is not there.
    #[non_exhaustive]
    MissingOutput {
        /// The component.
        component: String,
        /// The output.
        key: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingDecision { component, key } => {
                write!(
                    f,
                    "component {component:?} declares the decision {key:?}, and the run did not make it"
                )
            }
            Self::UndeclaredDecision { component, key } => {
                write!(f, "component {component:?} made the decision {key:?}, which it does not declare")
            }
            Self::Incomplete { component, key, lacks, times } => {
                write!(f, "decision {key:?} of component {component:?} lacks {lacks}, {times} times")
            }
            Self::MissingOutput { component, key } => {
                write!(
                    f,
                    "component {component:?} declares the output {key:?}, and its stage does not hold it"
                )
            }
        }
    }
}

impl ComponentRegistry {
    /// The same with one component more. One of the same name takes the place of an earlier one.
    #[must_use]
    pub fn with(self, component: impl TracingComponent + 'static) -> Self {
        let mut components: Vec<_> =
            self.components.iter().filter(|other| other.name() != component.name()).cloned().collect();
        components.push(Arc::new(component));
        Self { components: Arc::new(components) }
    }

    /// The component of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&dyn TracingComponent> {
        self.components.iter().find(|component| component.name() == name).map(AsRef::as_ref)
    }

    /// Compares a run with what the components of its stages declare, in the order of registration. Stages that no
    /// component is registered for are passed over, as are components whose stage the run did not enter.
    #[must_use]
    pub fn validate(&self, trace: &Trace) -> Vec<Finding> {
        let entered = |component: &Arc<dyn TracingComponent>| trace.stages.get(component.name());
        self.components
            .iter()
            .filter_map(|component| Some((component, entered(component)?)))
            .flat_map(|(component, stage)| of_stage(component.as_ref(), stage))
            .collect()
    }
}

fn of_stage(component: &dyn TracingComponent, stage: &Stage) -> Vec<Finding> {
    let name = component.name().to_owned();
    let declared = component.decisions();
    let mut findings = Vec::new();
    for declaration in &declared {
        let made: Vec<&Decision> =
            stage.decisions.iter().filter(|decision| decision.key == declaration.key).collect();
        if made.is_empty() && !declaration.optional {
            findings.push(Finding::MissingDecision { component: name.clone(), key: declaration.key.clone() });
        }
        for (lacks, times) in lacking(declaration, &made) {
            let key = declaration.key.clone();
            findings.push(Finding::Incomplete { component: name.clone(), key, lacks, times });
        }
    }
    let mut undeclared: Vec<&str> = stage
        .decisions
        .iter()
        .map(|decision| decision.key.as_str())
        .filter(|key| declared.iter().all(|declaration| declaration.key != *key))
        .collect();
    undeclared.sort_unstable();
    undeclared.dedup();
    findings.extend(
        undeclared
            .into_iter()
            .map(|key| Finding::UndeclaredDecision { component: name.clone(), key: key.to_owned() }),
    );
    findings.extend(
        component
            .outputs()
            .into_iter()
            .filter(|key| !stage.outputs.contains_key(key))
            .map(|key| Finding::MissingOutput { component: name.clone(), key }),
    );
    findings
}

/// What a declaration asks for, and how many decisions do without.
fn lacking(declaration: &DeclaredDecision, made: &[&Decision]) -> Vec<(&'static str, usize)> {
    let count = |lacks: fn(&Decision) -> bool| made.iter().filter(|decision| lacks(decision)).count();
    let asked = [
        ("confidence", declaration.confidence, count(|decision| decision.confidence.is_none())),
        (
            "alternatives",
            declaration.alternatives,
            count(|decision| decision.alternatives_considered.is_empty()),
        ),
        ("evidence", declaration.evidence, count(|decision| decision.evidence_ids.is_empty())),
    ];
    asked
        .into_iter()
        .filter(|(_, asked, times)| *asked && *times > 0)
        .map(|(what, _, times)| (what, times))
        .collect()
}
