//! What fuzzing asks of the parts of this crate that nobody else sees. Not part of its interface.

use std::time::Duration;

use crate::sse::{EVENT_BYTES, Frame, Parser, RETRY_MAX, Unreadable};

/// What reading a stream came to: the frames, and the error that ended it.
type Reading = (Vec<Frame>, Option<Unreadable>);

/// Reads a stream whole, in pieces and byte by byte, and fails unless each time it says what the model says.
///
/// The input's first byte is the bound of a line and of an event (from 128: the usual one), its second tells how many
/// bytes follow that are the lengths of the pieces, in turn; the rest is the stream.
///
/// # Panics
///
/// When two readings differ.
pub fn stream(input: &[u8]) {
    let Some((&[bound, pieces], rest)) = input.split_first_chunk::<2>() else { return };
    let bound = if bound < 128 { bound.into() } else { EVENT_BYTES };
    let (lengths, stream) = rest.split_at(usize::from(pieces).min(rest.len()));
    let expected = model(bound, stream);
    assert_eq!(read(bound, [stream]), expected, "whole");
    assert_eq!(read(bound, cut(stream, lengths)), expected, "in pieces");
    assert_eq!(read(bound, stream.chunks(1)), expected, "byte by byte");
}

fn read<'a>(bound: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Reading {
    let (mut parser, mut frames) = (Parser::with_limit(bound), Vec::new());
    for piece in pieces {
        if let Err(error) = parser.push(piece, &mut frames) {
            return (frames, Some(error));
        }
    }
    (frames, None)
}

/// The stream in pieces of these lengths, in turn; without lengths, in one.
fn cut<'a>(mut stream: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &length in lengths.iter().cycle() {
        // A piece of nothing is a piece, too, but a stream of them has no end.
        if stream.is_empty() || pieces.len() > 100_000 {
            break;
        }
        let (piece, rest) = stream.split_at(usize::from(length).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}

/// What a stream says, read the plain way: all of it in memory, line by line.
fn model(bound: usize, stream: &[u8]) -> Reading {
    let (mut frames, mut name, mut data): (_, _, Vec<&str>) = (Vec::new(), "", Vec::new());
    let mut receipt_within = Duration::ZERO;
    for (number, (line, ended)) in lines(stream).into_iter().enumerate() {
        if line.len() > bound {
            return (frames, Some(Unreadable::TooLarge));
        }
        if !ended {
            break;
        }
        let line = if number == 0 { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
        let Ok(line) = std::str::from_utf8(line) else { return (frames, Some(Unreadable::NotUtf8)) };
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value,
            "data" if data.join("\n").len() + value.len() >= bound => {
                return (frames, Some(Unreadable::TooLarge));
            }
            "data" => data.push(value),
            "retry" => frames.extend(milliseconds(value).map(|asked| Frame::Retry(asked.min(RETRY_MAX)))),
            "receipt-within" => receipt_within = milliseconds(value).unwrap_or_default(),
            _ => {}
        }
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut name), std::mem::take(&mut data).join("\n"));
            let name = if name.is_empty() { "message" } else { name }.to_owned();
            let receipt_within = std::mem::take(&mut receipt_within);
            frames.extend((!data.is_empty()).then_some(Frame::Event { name, data, receipt_within }));
        }
    }
    (frames, None)
}

fn milliseconds(value: &str) -> Option<Duration> {
    let digits = !value.is_empty() && value.chars().all(|it| it.is_ascii_digit());
    digits.then(|| Duration::from_millis(value.parse().unwrap_or(u64::MAX)))
}

/// The lines, each with whether it has ended.
fn lines(stream: &[u8]) -> Vec<(&[u8], bool)> {
    let (mut lines, mut rest) = (Vec::new(), stream);
    while let Some(end) = rest.iter().position(|byte| b"\r\n".contains(byte)) {
        lines.push((&rest[..end], true));
        let pair = usize::from(rest[end..].starts_with(b"\r\n"));
        rest = &rest[end + 1 + pair..];
    }
    lines.push((rest, false));
    lines
}

#[cfg(test)]
mod tests {
    use super::stream;

    /// Streams that say something, and what runs of the fuzzer found worth keeping.
    const SEEDS: [&[u8]; 13] = [
        b"event: put\nid: 42\ndata: {\"a\":1}\n\nevent: patch\ndata: {}\n\n",
        b"\xEF\xBB\xBFevent: put\rdata: 1\r\n\nevent: patch\ndata: 2\r\r",
        b": heartbeat\r\n\r\n:\n\nfoo: bar\n\n: x\ndata: 1\nwhat\n\n",
        b"retry: 1500\nretry: 1.5\nretry:\nretry: 99999999999999999999999\n\nretry:007\n",
        b"data\ndata\n\ndata:\ndata:  b\n\nevent:\ndata: x\n\n",
        b"data: 0123456789abcdef\n\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\n\n",
        "data: blåbær 旗 🚩\r\n\r\n".as_bytes(),
        b"data: 1\n\ndata: \xff\n\n",
        b"\xEF\xBB\xBF\xEF\xBB\xBFdata: 1\n\n",
        b"data : 1\n data: 2\ndata\t: 3\n\n",
        b"event: a\n\n\xEF\xBBdata: 1\n\n",
        b"event: patch\nreceipt-within: 40\ndata: 1\n\nreceipt-within: 4.5\nreceipt-within:\ndata: 2\n\n",
        b"\r\n\r\r\n\n\rdata: 1\r\r\n",
    ];

    #[test]
    fn a_stream_says_the_same_however_it_is_cut_and_bounded() {
        for seed in SEEDS {
            for bound in [0, 1, 5, 6, 7, 8, 12, 16, 40, 200] {
                for lengths in [&[][..], &[1], &[3, 0], &[0], &[5, 1, 7], &[200, 2]] {
                    let count = u8::try_from(lengths.len()).unwrap();
                    stream(&[&[bound, count], lengths, seed].concat());
                }
            }
        }
    }
}
