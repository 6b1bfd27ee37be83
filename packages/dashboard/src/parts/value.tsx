import { asText } from '../format.ts'

const longest = 20_000

/** A value as text, never as markup; what was text already is set as such. */
export function Value({ value, label }: { readonly value: unknown; readonly label: string }) {
  const text = asText(value)
  const shown = text.length > longest ? `${text.slice(0, longest)}\n… ${text.length - longest} more characters` : text
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard
    <section className="value" aria-label={label} tabIndex={0}>
      <pre className={typeof value === 'string' ? 'prose' : ''}>{shown}</pre>
    </section>
  )
}
