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
              run={run}
              isOver={isOver}
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

/** Shows an effect with the buttons that resolve it. */
export function ResolveEffect({
  run,
  isOver,
  effect,
  onResolved,
}: UncertainProps & { readonly effect: UncertainEffect }) {
  const { step, call, name } = effect
  const may = useMay()
  const client = useClient()
  const { busy, error, run: perform } = useCommand()
  const [text, setText] = useState('')
  const submit = (outcome: { readonly happened: boolean; readonly output?: unknown }) =>
    perform(async () => {
      await client.call('runs.resolve', { path: { run }, body: { step, call, ...outcome } })
      onResolved(outcome.happened)
    })
  return (
    <RestoreFocus>
      <Card className="question unsure" role="group" aria-label={`Outcome of ${name}, ${step}: ${call}`}>
        <AboutEffect effect={effect} isOver={isOver} />
        {!may('runs.resolve') ? (
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
                {isOver ? 'It did not happen' : 'It did not: do it now'}
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
export function AboutEffect({ effect, isOver }: { readonly effect: UncertainEffect; readonly isOver: boolean }) {
  const { step, call, name, since } = effect
  return (
    <>
      <Text as="p" bold className="break">
        It is unknown whether {visible(name)} happened
      </Text>
      <Text as="p" mb="2" className="break">
        It was begun in {step}, {when(since)}. Find out whether it happened, and say so
        {isOver ? ': why and undo of the run use it.' : ': only what did not happen is done again.'}
      </Text>
      <Text as="p" mb="2" className="break">
        {effect.class}
        {effect.key !== undefined && ` · idempotency key ${visible(effect.key)}`}
      </Text>
      {effect.input !== undefined && <Value value={effect.input} label={`Input of ${name}, ${step}: ${call}`} />}
    </>
  )
}
