/** Why a run is in its state: the sentences of the server, grouped by what they are about. */
import { useEffect, useState } from 'react'
import type { AnswerOf } from 'troupe/client'
import { useAnswer, useForgetSoon } from '../api/use-api.tsx'
import { count } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Button, classes } from '../parts/ui.tsx'
import { visible } from '../visible.ts'

type Line = AnswerOf<'runs.why'>['sentences'][number]

/** The groups in their order; the first ones say what decides the state. */
const groups = [
  { name: 'Waits', about: ['waits'], decides: true },
  { name: 'Uncertain', about: ['uncertain'], decides: true },
  { name: 'Failure', about: ['failed', 'guard'], decides: true },
  { name: 'Policies', about: ['policy'], decides: false },
  { name: 'Path', about: ['path'], decides: false },
  { name: 'Tokens and cost', about: ['cost'], decides: false },
  { name: 'Time', about: ['slow'], decides: false },
] as const
const other = { name: 'Process and storage', decides: false } as const

const groupOf = ({ about }: Line) => groups.find((group) => group.about.some((one) => one === about)) ?? other

/** The explanation is asked again after each event of the run. */
export function RunWhy({ run, seq }: { readonly run: string; readonly seq: number }) {
  const why = useAnswer('runs.why', { path: { run } })
  const forgetSoon = useForgetSoon()
  // biome-ignore lint/correctness/useExhaustiveDependencies: each event may change the explanation
  useEffect(() => forgetSoon('runs.why', { path: { run } }), [seq, run])
  return (
    <Answer of={why}>
      {({ sentences }) => (
        <dl className="why" aria-live="polite">
          {[...groups, other].map((group) => {
            const lines = sentences.filter((line) => groupOf(line) === group)
            if (lines.length === 0) return null
            return (
              <div key={group.name} className={classes(group.decides && 'decides')}>
                <dt>{group.name}</dt>
                <Lines lines={lines} />
              </div>
            )
          })}
        </dl>
      )}
    </Answer>
  )
}

/** A group of more sentences shows the newest ones: a long path would hide the groups below it. */
const maxLines = 20

function Lines({ lines }: { readonly lines: readonly Line[] }) {
  const [showsAll, setShowsAll] = useState(false)
  const earlier = Math.max(0, lines.length - maxLines)
  const first = showsAll ? 0 : earlier
  return (
    <>
      {earlier > 0 && (
        <dd>
          <Button small look="soft" aria-expanded={showsAll} onClick={() => setShowsAll(!showsAll)}>
            {showsAll ? 'Show only the newest' : `Show ${count(earlier)} earlier`}
          </Button>
        </dd>
      )}
      {lines.slice(first).map(({ text }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a path may repeat a sentence, and grows at its end
        <dd key={first + i} className="break">
          {visible(text)}
        </dd>
      ))}
    </>
  )
}
