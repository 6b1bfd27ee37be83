/** Undo of an ended run: what each effect's undo would do, and the command that carries it out. */
import { Link } from '@tanstack/react-router'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { AnswerOf } from 'troupe/client'
import { useClient } from '../api/use-api.tsx'
import { count } from '../format.ts'
import { ErrorNotice, Nothing } from '../parts/answer.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Card, Flex, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { visible } from '../visible.ts'

type Effects = AnswerOf<'runs.undo'>['effects']
type UndoStatus = Effects[number]['status']

/** The outcome of an effect's undo, as the page shows it. */
const words: ReadonlyMap<UndoStatus, string> = new Map([
  ['planned', 'will be undone'],
  ['undone', 'undone'],
  ['already', 'undone before'],
  ['none', 'has no undo: stays'],
  ['failed', 'undo failed'],
  ['skipped', 'not tried, because a later undo failed'],
])

export interface Undo {
  readonly busy: boolean
  readonly error: Error | undefined
  /** The planned or undone effects; absent until the plan is known. */
  readonly effects: Effects | undefined
  readonly isCarriedOut: boolean
  /** @param plan true asks what an undo would do, and undoes nothing */
  readonly ask: (plan: boolean) => Promise<void>
  readonly close: () => void
}

export function useUndo(run: string): Undo {
  const client = useClient()
  const command = useCommand()
  const [effects, setEffects] = useState<Effects>()
  const [isCarriedOut, setIsCarriedOut] = useState(false)
  return {
    busy: command.busy,
    error: command.error,
    effects,
    isCarriedOut,
    ask: (plan) =>
      command.run(async () => {
        const answer = await client.call('runs.undo', { path: { run }, body: { plan } })
        setEffects(answer.effects)
        setIsCarriedOut(!plan)
      }),
    close: () => setEffects(undefined),
  }
}

export function UndoPanel({ undo }: { readonly undo: Undo }) {
  const { effects, error } = undo
  if (effects !== undefined) return <OpenPanel undo={undo} effects={effects} />
  return error ? <ErrorNotice error={error} /> : null
}

function OpenPanel({ undo, effects }: { readonly undo: Undo; readonly effects: Effects }) {
  const { busy, error, isCarriedOut, ask, close } = undo
  const counted = (status: UndoStatus) => effects.filter((effect) => effect.status === status).length
  const planned = counted('planned')
  const panel = useRef<HTMLDivElement>(null)
  // The focus goes to the panel, stays there when its button goes, and returns to the button that opened it.
  useLayoutEffect(() => {
    const opener = document.activeElement
    const opened = panel.current
    return () => {
      if (opened?.contains(document.activeElement) && opener instanceof HTMLElement) opener.focus()
    }
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the outcome replaces the plan
  useEffect(() => panel.current?.focus(), [isCarriedOut])
  return (
    <Card className="question" role="group" aria-label="Undo of the run" mb="3" tabIndex={-1} ref={panel}>
      <div role="status">
        {effects.length === 0 ? (
          <Nothing>The run has no effects that could be undone.</Nothing>
        ) : (
          <Text as="p" mb="2">
            {isCarriedOut
              ? outcomeText(counted)
              : planned === 0
                ? 'Nothing is left to undo.'
                : `An undo works through the effects from the last to the first: ${count(planned)} of ${count(effects.length)} will be undone.`}
          </Text>
        )}
      </div>
      {effects.length > 0 && <EffectTable effects={effects} />}
      {error && <ErrorNotice error={error} />}
      <Flex gap="2" wrap="wrap" mt="2">
        {planned > 0 && (
          <Button look="danger" aria-disabled={busy} onClick={() => ask(false)}>
            Undo {count(planned)} {planned === 1 ? 'effect' : 'effects'}
          </Button>
        )}
        {isCarriedOut && counted('failed') > 0 && (
          <Button look="danger" aria-disabled={busy} onClick={() => ask(false)}>
            Try again
          </Button>
        )}
        <Button look="soft" aria-keyshortcuts="Escape" onClick={close}>
          Close
        </Button>
      </Flex>
    </Card>
  )
}

/** How many effects were undone, and how many were not though they should have been. */
const outcomeText = (counted: (status: UndoStatus) => number): string =>
  (['undone', 'failed', 'skipped'] as const)
    .filter((status) => status === 'undone' || counted(status) > 0)
    .map((status) => `${count(counted(status))} ${status === 'skipped' ? 'not tried' : status}`)
    .join(', ')
    .concat('.')

function EffectTable({ effects }: { readonly effects: Effects }) {
  return (
    <DataTable
      columns={[
        { header: 'Effect', cell: fromRow(({ effect }) => visible(effect)), meta: { breaks: true } },
        {
          header: 'Agent and step',
          cell: fromRow(({ run, step, agent }) => (
            <>
              {visible(agent)},{' '}
              {run === undefined ? (
                step
              ) : (
                <Link to="/runs/$run" params={{ run }}>
                  {step} of a child run
                </Link>
              )}
            </>
          )),
          meta: { breaks: true },
        },
        {
          header: 'Undo',
          cell: fromRow(({ status, error }) => (
            <>
              {status === 'failed' ? <Status status="failed" reason={words.get(status)} /> : words.get(status)}
              {error && (
                <Text as="p" size="small" color="red" className="break">
                  {visible(error.message)}
                </Text>
              )}
            </>
          )),
        },
      ]}
      rows={effects}
      rowKey={({ run, step, call }) => `${run} ${step} ${call}`}
    />
  )
}
