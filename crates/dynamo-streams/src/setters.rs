//! Settings can gain fields, so programs change the defaults by methods.

/// Makes a method for each setting that returns the settings with another value of it.
macro_rules! setters {
    ($($method:ident $field:ident: $type:ty;)*) => {
        $(
            #[doc = concat!("Returns these settings with another [`", stringify!($field), "`](Self::", stringify!($field), ").")]
            #[must_use]
            pub fn $method(mut self, $field: $type) -> Self {
                self.$field = $field;
                self
            }
        )*
    };
}
