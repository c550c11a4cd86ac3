/// Makes the enums [`Action`](super::Action) and [`CommandType`](super::CommandType) of the commands in a list, and what goes from one
/// of their variants to that command's [`CommandData`](super::CommandData).
macro_rules! commands {
    ($($file:ident::$Command:ident),+ $(,)?) => {
        $(pub use $file::$Command;)+

        /// What a command asks for.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Action {
            $(
                #[doc = concat!("See [`", stringify!($Command), "`].")]
                $Command($Command),
            )+
        }

        /// The commands' types on the wire, `com.digitalarthouse.<noun>.<verb>.v1`; each is the action of the same name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum CommandType {
            $(
                #[doc = concat!("Of [`", stringify!($Command), "`].")]
                $Command,
            )+
        }

        $(
            impl From<$Command> for Action {
                fn from(data: $Command) -> Self {
                    Self::$Command(data)
                }
            }
        )+

        impl Action {
            /// Returns the type on the wire.
            pub fn command_type(&self) -> CommandType {
                match self {
                    $(Self::$Command(_) => CommandType::$Command,)+
                }
            }

            /// Returns what it is about.
            pub fn subject(&self) -> Subject<'_> {
                match self {
                    $(Self::$Command(data) => data.subject(),)+
                }
            }

            fn decide(&self, state: &State, now: Timestamp) -> Result<Transition, Refusal> {
                match self {
                    $(Self::$Command(data) => data.decide(state, now),)+
                }
            }

            fn to_value(&self) -> Value {
                let written = match self {
                    $(Self::$Command(data) => serde_json::to_value(data),)+
                };
                written.expect("a command's data holds texts and numbers only")
            }
        }

        impl CommandType {
            /// All of them, in the order of the list.
            pub const ALL: [Self; [$(stringify!($Command)),+].len()] = [$(Self::$Command),+];

            /// Returns the type on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$Command => $Command::TYPE,)+
                }
            }

            /// Returns who may send it.
            pub fn roles(self) -> &'static [ActorType] {
                match self {
                    $(Self::$Command => $Command::ROLES,)+
                }
            }

            /// Returns what it may be rejected with, beside `FORBIDDEN`.
            pub fn rejections(self) -> &'static [Rejection] {
                match self {
                    $(Self::$Command => $Command::REJECTIONS,)+
                }
            }

            /// Returns its data, with the actor, as a producer would write it.
            pub(crate) fn example(self) -> Value {
                match self {
                    $(Self::$Command => $Command::example(),)+
                }
            }

            /// Returns the schema of the whole event.
            pub(crate) fn event_schema(self) -> Schema {
                match self {
                    $(Self::$Command => event::schema::<$Command>(),)+
                }
            }

            fn read(self, data: Value) -> Result<Action, Malformed> {
                Ok(match self {
                    $(Self::$Command => Action::$Command(parse::read("data", data)?),)+
                })
            }
        }
    };
}

pub(super) use commands;
