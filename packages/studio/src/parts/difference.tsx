/** A text with what is new and what is gone against another one. It loads with the first history. */
import { presentableDiff } from '@codemirror/merge'
import { visible } from '../visible.ts'
import './difference.css'

interface DifferenceProps {
  readonly before: string
  readonly after: string
  readonly label: string
}

/** Longer texts are compared line by line in a coarser way, so that the page stays responsive. */
const scanLimit = 1_000

export default function Difference({ before, after, label }: DifferenceProps) {
  const changes = presentableDiff(before, after, { scanLimit })
  let end = 0
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard
    <section className="value" aria-label={label} tabIndex={0}>
      <pre>
        {changes.map(({ fromA, toA, fromB, toB }) => {
          const same = after.slice(end, fromB)
          end = toB
          return (
            <span key={`${fromA} ${fromB}`}>
              {visible(same)}
              {toA > fromA && <del>{visible(before.slice(fromA, toA))}</del>}
              {toB > fromB && <ins>{visible(after.slice(fromB, toB))}</ins>}
            </span>
          )
        })}
        {visible(after.slice(end))}
      </pre>
    </section>
  )
}
