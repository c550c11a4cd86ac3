//! The CloudFormation templates in `infra/cloudformation`: what they make is what `arthouse provision` makes, and no role may do more or less
//! than its part does.

mod compute;
mod embedded;
mod relay;
mod template;

mod agreement;
mod mappings;
mod observability;
mod roles;
mod sources;
mod sweeps;
