/** Commands for several runs at once, and which of them failed. */
import { useRef, useState } from 'react'
import type { Client } from 'troupe/client'
import type { Summary } from '../api/shapes.ts'
import { useClient, useForget } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count } from '../format.ts'
import { visible } from '../visible.ts'
import { Button, Flex, Text } from './ui.tsx'

interface Command {
  readonly operation: 'runs.cancel' | 'runs.retry' | 'runs.resolve'
  readonly name: string
  readonly done: string
  readonly fits: (run: Summary) => boolean
  readonly carryOut: (client: Client, run: string) => Promise<unknown>
  /** It cannot be taken back: a second press carries it out. */
  readonly isFinal?: true
}

/** Resolves all effects of unknown outcome of a run. An answer decides what the run does next, so it takes two presses. */
const resolving = (name: string, happened: boolean): Command => ({
  operation: 'runs.resolve',
  name,
  done: 'resolved',
  fits: ({ reason }) => reason === 'uncertain',
  isFinal: true,
  carryOut: async (client, run) => {
    const { effects } = await client.call('runs.uncertain', { path: { run } })
    for (const { step, call } of effects)
      await client.call('runs.resolve', { path: { run }, body: { step, call, happened } })
  },
})

const commands: readonly Command[] = [
  {
    operation: 'runs.cancel',
    name: 'Cancel',
    done: 'cancelled',
    fits: ({ status }) => status === 'running' || status === 'waiting',
    isFinal: true,
    carryOut: (client, run) => client.call('runs.cancel', { path: { run }, body: {} }),
  },
  {
    operation: 'runs.retry',
    // A retry that would repeat effects is rejected, and the report names it.
    name: 'Retry',
    done: 'retried',
    fits: ({ status }) => status === 'failed',
    carryOut: (client, run) => client.call('runs.retry', { path: { run }, body: {} }),
  },
  resolving('Resolve as happened', true),
  resolving('Resolve as not happened', false),
]

interface Report {
  readonly text: string
  readonly failures: readonly { readonly run: string; readonly text: string }[]
}

/** Whether the caller has any command for runs. */
export function useRunCommands(): boolean {
  const may = useMay()
  return commands.some(({ operation }) => may(operation))
}

export function RunCommands({ runs, clear }: { readonly runs: readonly Summary[]; readonly clear: () => void }) {
  const client = useClient()
  const may = useMay()
  const forget = useForget()
  const [progress, setProgress] = useState<string>()
  const [report, setReport] = useState<Report>()
  const [asked, setAsked] = useState<string>()
  const bar = useRef<HTMLElement>(null)
  // The buttons go away: the first row of the selection gets the focus.
  const clearSelection = () => {
    if (bar.current?.contains(document.activeElement))
      document.querySelector<HTMLElement>('main tbody tr:has(td.select :checked) th a')?.focus()
    clear()
  }
  const carryOut = async ({ name, done, fits, carryOut: one, isFinal }: Command) => {
    if (isFinal && asked !== name) return setAsked(name)
    setAsked(undefined)
    const fitting = runs.filter(fits)
    const failures: { run: string; text: string }[] = []
    for (const [i, { id, title }] of fitting.entries()) {
      setProgress(`${name}: ${count(i + 1)} of ${count(fitting.length)}`)
      await one(client, id).catch((error: Error) =>
        failures.push({ run: id, text: `${title || id}: ${error.message}` }),
      )
    }
    setProgress(undefined)
    setReport({ text: `${count(fitting.length - failures.length)} of ${count(fitting.length)} ${done}.`, failures })
    clearSelection()
    forget('runs.list', {})
  }
  if (runs.length === 0 && report === undefined) return null
  return (
    <section className="bulk" aria-label="Commands for the selected runs" ref={bar}>
      {runs.length > 0 && (
        <Flex align="center" gap="3" wrap="wrap">
          <Text bold>{progress ?? `${count(runs.length)} selected`}</Text>
          {commands
            .filter(({ operation }) => may(operation))
            .map((command) => {
              const fitting = runs.filter(command.fits).length
              return (
                <Button
                  key={command.name}
                  look={asked === command.name ? 'danger' : 'soft'}
                  disabled={fitting === 0 || progress !== undefined}
                  title={fitting === 0 ? `No selected run can be ${command.done}.` : undefined}
                  onClick={() => void carryOut(command)}
                  onBlur={() => setAsked(undefined)}
                >
                  {asked === command.name
                    ? `${command.name} ${count(fitting)} now`
                    : `${command.name} ${count(fitting)}`}
                </Button>
              )
            })}
          <Button look="soft" aria-keyshortcuts="Escape" disabled={progress !== undefined} onClick={clearSelection}>
            Clear
          </Button>
        </Flex>
      )}
      <div role="status">
        {report && (
          <>
            <Text as="p">{report.text}</Text>
            {report.failures.map(({ run, text }) => (
              <Text as="p" key={run} color="red" className="break">
                {visible(text)}
              </Text>
            ))}
          </>
        )}
      </div>
    </section>
  )
}
