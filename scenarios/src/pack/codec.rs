//! The bytes of the packed form. A number is written seven bits a byte, the lowest first, the eighth
//! bit set on all but the last; a text or list has its length before it, an option one byte, 0 or 1.
//! (Postcard writes the same. Reading is done here because a general library's code for it, written
//! out for every type, would be a large part of the page.)

/// What can be written and read back.
pub(super) trait Packed<'a>: Sized {
    /// Appends its bytes.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads it. Where the bytes are none of its, says so in [`Reader::broken`] and makes something
    /// up: who reads looks once at the end.
    fn read(from: &mut Reader<'a>) -> Self;
}

/// Bytes that are being read.
pub(super) struct Reader<'a> {
    /// What has not been read yet.
    pub(super) rest: &'a [u8],
    /// Something was not as it should be, and what was read since means nothing.
    pub(super) broken: bool,
}

impl<'a> Reader<'a> {
    /// Begins to read.
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest, broken: false }
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else {
            self.broken = true;
            return 0;
        };
        self.rest = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            // The tenth byte has room for one bit.
            self.broken |= shift == 63 && byte > 1;
            if byte < 0x80 {
                return number;
            }
        }
        self.broken = true;
        0
    }

    /// A length that the rest can have.
    fn length(&mut self) -> usize {
        let length = usize::try_from(self.number()).unwrap_or(usize::MAX);
        // Every item takes a byte or more.
        self.broken |= length > self.rest.len();
        if self.broken { 0 } else { length }
    }
}

/// A struct that is packed field by field, in their order.
macro_rules! packed {
    (
        $(#[$meta:meta])*
        pub(super) struct $name:ident $(<$life:lifetime>)? {
            $( $(#[$doc:meta])* pub(super) $field:ident: $type:ty, )+
        }
    ) => {
        $(#[$meta])*
        pub(super) struct $name $(<$life>)? {
            $( $(#[$doc])* pub(super) $field: $type, )+
        }

        impl<'a> $crate::pack::codec::Packed<'a> for $name $(<$life>)? {
            fn write(&self, out: &mut Vec<u8>) {
                $( self.$field.write(out); )+
            }

            fn read(from: &mut $crate::pack::codec::Reader<'a>) -> Self {
                // Fields are made in the order in which they stand here.
                Self { $( $field: $crate::pack::codec::Packed::read(from), )+ }
            }
        }
    };
}
pub(super) use packed;

macro_rules! numbers {
    ($($type:ty),+) => { $(
        impl Packed<'_> for $type {
            fn write(&self, out: &mut Vec<u8>) {
                write_number(u64::from(*self), out);
            }

            fn read(from: &mut Reader<'_>) -> Self {
                Self::try_from(from.number()).unwrap_or_else(|_| {
                    from.broken = true;
                    0
                })
            }
        }
    )+ };
}

numbers!(u8, u16, u32, u64);

fn write_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

impl Packed<'_> for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(from: &mut Reader<'_>) -> Self {
        let byte = from.byte();
        from.broken |= byte > 1;
        byte == 1
    }
}

impl<'a> Packed<'a> for &'a str {
    fn write(&self, out: &mut Vec<u8>) {
        write_number(self.len() as u64, out);
        out.extend_from_slice(self.as_bytes());
    }

    fn read(from: &mut Reader<'a>) -> Self {
        let length = from.length();
        let (text, rest) = from.rest.split_at(length);
        from.rest = rest;
        std::str::from_utf8(text).unwrap_or_else(|_| {
            from.broken = true;
            ""
        })
    }
}

impl Packed<'_> for String {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_str().write(out);
    }

    fn read(from: &mut Reader<'_>) -> Self {
        <&str>::read(from).to_owned()
    }
}

impl<'a, T: Packed<'a>> Packed<'a> for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(item) = self {
            item.write(out);
        }
    }

    fn read(from: &mut Reader<'a>) -> Self {
        bool::read(from).then(|| T::read(from))
    }
}

impl<'a, T: Packed<'a>> Packed<'a> for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        write_number(self.len() as u64, out);
        for item in self {
            item.write(out);
        }
    }

    fn read(from: &mut Reader<'a>) -> Self {
        let mut list = Self::new();
        for _ in 0..from.length() {
            if from.broken {
                break;
            }
            list.push(T::read(from));
        }
        list
    }
}

macro_rules! tuples {
    ($( ($($item:ident),+) )+) => { $(
        impl<'a, $($item: Packed<'a>),+> Packed<'a> for ($($item,)+) {
            #[expect(non_snake_case, reason = "an item is named after its type")]
            fn write(&self, out: &mut Vec<u8>) {
                let ($($item,)+) = self;
                $( $item.write(out); )+
            }

            fn read(from: &mut Reader<'a>) -> Self {
                ($( $item::read(from), )+)
            }
        }
    )+ };
}

tuples! { (A, B) (A, B, C) (A, B, C, D, E) }

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<T: for<'a> Packed<'a> + PartialEq + std::fmt::Debug>(
        value: &T,
        bytes: &[u8],
    ) {
        let mut out = Vec::new();
        value.write(&mut out);
        assert_eq!(out, bytes);
        let mut reader = Reader::new(bytes);
        assert_eq!(T::read(&mut reader), *value);
        assert!(!reader.broken && reader.rest.is_empty());
    }

    #[test]
    fn values_have_the_bytes_that_are_documented() {
        there_and_back(&0u8, &[0]);
        there_and_back(&300u32, &[0xac, 0x02]);
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        there_and_back(&u64::MAX, &most);
        there_and_back(&"ab".to_owned(), &[2, b'a', b'b']);
        there_and_back(&vec![Some((true, 7u16)), None], &[2, 1, 1, 7, 0]);
    }

    #[test]
    fn bytes_of_nothing_are_broken() {
        fn broken<T: for<'a> Packed<'a>>(bytes: &[u8]) -> bool {
            let mut reader = Reader::new(bytes);
            T::read(&mut reader);
            reader.broken
        }
        assert!(broken::<u64>(&[0x80; 11]), "a number without an end");
        assert!(broken::<u64>(&[0x80]), "a number cut short");
        assert!(broken::<u64>(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2]), "2^64");
        assert!(broken::<u8>(&[0x80, 0x02]), "256 is no byte");
        assert!(broken::<bool>(&[2]));
        assert!(broken::<String>(&[3, b'a', b'b']), "longer than the rest");
        assert!(broken::<String>(&[1, 0xff]), "not UTF-8");
        assert!(broken::<Vec<u8>>(&[0xff, 0xff, 0xff, 0xff, 0x0f]));
    }
}
