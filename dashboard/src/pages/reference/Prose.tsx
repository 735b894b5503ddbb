/** The Markdown that the document uses: paragraphs, and code in backticks. */
export function Prose({ text, className }: { text: string; className?: string }) {
  return (
    <div className={className}>
      {text.split(/\n{2,}/).map((paragraph, place) => (
        <p key={place}>
          <Line text={paragraph} />
        </p>
      ))}
    </div>
  );
}

function Line({ text }: { text: string }) {
  // Whatever stands between two backticks has an odd place.
  return text.split('`').map((piece, place) => (place % 2 === 1 ? <code key={place}>{piece}</code> : piece));
}
