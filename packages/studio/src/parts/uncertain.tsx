/** Effects of a run whose outcome is unknown: a person finds out, and resolves them. */

import { Suspense, useState } from 'react'
import type { UncertainEffect } from '../api/shapes.ts'
import { useAnswer, useClient } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { when } from '../format.ts'
import { visible } from '../visible.ts'
import { Answer, ErrorNotice } from './answer.tsx'
import { fromText } from './from-text.ts'
import { JsonNote } from './json-note.tsx'
import { lazyPart } from './load-part.ts'
import { RestoreFocus } from './restore-focus.tsx'
import { Button, Card, Flex, Text } from './ui.tsx'
import { useCommand } from './use-command.ts'
import { Value } from './value.tsx'

const JsonEditor = lazyPart(() => import('./json-editor.tsx'))

interface UncertainProps {
  readonly run: string
  /** The run is over: what did not happen is not done any more. */
  readonly isOver: boolean
  /** Called with whether it happened. */
  readonly onResolved: (happened: boolean) => void
}

export function Uncertain({ run, isOver, onResolved }: UncertainProps) {
  const found = useAnswer('runs.uncertain', { path: { run }, every: 3_000 })
  return (
    <Answer of={found}>
      {({ effects }) => (
        <>
          {effects.map((effect) => (
            <ResolveEffect
              key={`${effect.step} ${effect.call}`}
              approval={`run:${run}`}
              after={isOver ? 'recorded' : 'run'}
              effect={effect}
              onResolved={onResolved}
            />
          ))}
        </>
      )}
    </Answer>
  )
}

/** Text that is JSON is meant as such; no text is no output. */
const outputOf = (text: string): { readonly output?: unknown } => (text.trim() === '' ? {} : { output: fromText(text) })

const gave = 'What it gave, text or JSON, if it happened'

/** Says what a resolution does: the run or session continues, the message is delivered again, or it is recorded alone. */
type AfterResolution = 'run' | 'session' | 'handler' | 'recorded' | 'cancelled'

const afterwards: Readonly<Record<AfterResolution, string>> = {
  run: 'only what did not happen is done again.',
  session: 'its session continues with that.',
  handler: 'its message is then delivered again, and what happened is not repeated.',
  recorded: 'why and undo of the run use it.',
  cancelled: 'its call was cancelled, so that is recorded alone.',
}

interface ResolveProps {
  /** The item of the list of approvals to which the effect belongs. */
  readonly approval: string
  readonly after: AfterResolution
  readonly effect: UncertainEffect
  /** Called with whether it happened. */
  readonly onResolved: (happened: boolean) => void
}

/** Shows an effect with the buttons that resolve it. */
export function ResolveEffect({ approval, after, effect, onResolved }: ResolveProps) {
  const { step, call, name } = effect
  const may = useMay()
  const client = useClient()
  const { busy, error, run: perform } = useCommand()
  const [text, setText] = useState('')
  const submit = (outcome: { readonly happened: boolean; readonly output?: unknown }) =>
    perform(async () => {
      await client.call('approvals.resolve', { path: { approval }, body: { step, call, ...outcome } })
      onResolved(outcome.happened)
    })
  return (
    <RestoreFocus>
      <Card className="question unsure" role="group" aria-label={`Outcome of ${name}, ${step}: ${call}`}>
        <AboutEffect effect={effect} after={after} />
        {!may('approvals.resolve') ? (
          <Text as="p" color="gray">
            Your role may not resolve it.
          </Text>
        ) : (
          <>
            <Text as="p" mt="3" mb="1">
              <Text bold>{gave}</Text>
            </Text>
            <Suspense fallback={<div className="editor-room" />}>
              <JsonEditor label={gave} text={text} onChange={setText} takesFocus={false} />
            </Suspense>
            <JsonNote text={text} />
            <Flex gap="2" mt="3" wrap="wrap">
              <Button aria-disabled={busy} onClick={() => submit({ happened: true, ...outputOf(text) })}>
                It happened
              </Button>
              <Button aria-disabled={busy} look="danger" onClick={() => submit({ happened: false })}>
                {after === 'recorded' || after === 'cancelled' ? 'It did not happen' : 'It did not: do it now'}
              </Button>
            </Flex>
          </>
        )}
        {error && <ErrorNotice error={error} />}
      </Card>
    </RestoreFocus>
  )
}

/** The effect without the controls that resolve it. */
export function AboutEffect({ effect, after }: Pick<ResolveProps, 'effect' | 'after'>) {
  const { step, call, name, since, problem } = effect
  return (
    <>
      <Text as="p" bold className="break">
        It is unknown whether {visible(name)} happened
      </Text>
      <Text as="p" mb="2" className="break">
        It was begun in {step}, {when(since)}.{problem !== undefined && ` ${visible(problem)}`} Find out whether it
        happened, and say so: {afterwards[after]}
      </Text>
      <Text as="p" mb="2" className="break">
        {effect.class}
        {effect.key !== undefined && ` · idempotency key ${visible(effect.key)}`}
      </Text>
      {effect.input !== undefined && <Value value={effect.input} label={`Input of ${name}, ${step}: ${call}`} />}
    </>
  )
}
