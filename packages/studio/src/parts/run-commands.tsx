/** What is done to several runs at once, and what could not be done. */
import { useState } from 'react'
import type { Client } from 'troupe/client'
import type { Summary } from '../api/shapes.ts'
import { useClient, useForget } from '../api/use-api.tsx'
import { count } from '../format.ts'
import { visible } from '../visible.ts'
import { Button, Flex, Text } from './ui.tsx'

interface Command {
  readonly name: string
  readonly done: string
  readonly fits: (run: Summary) => boolean
  readonly carryOut: (client: Client, run: string) => Promise<unknown>
}

const commands: readonly Command[] = [
  {
    name: 'Cancel',
    done: 'cancelled',
    fits: ({ status }) => status === 'running' || status === 'waiting',
    carryOut: (client, run) => client.call('runs.cancel', { path: { run }, body: {} }),
  },
  {
    // Without leave to repeat effects: a retry that would is rejected, and named.
    name: 'Retry',
    done: 'retried',
    fits: ({ status }) => status === 'failed',
    carryOut: (client, run) => client.call('runs.retry', { path: { run }, body: {} }),
  },
]

interface Report {
  readonly text: string
  readonly failures: readonly string[]
}

export function RunCommands({ runs, clear }: { readonly runs: readonly Summary[]; readonly clear: () => void }) {
  const client = useClient()
  const forget = useForget()
  const [progress, setProgress] = useState<string>()
  const [report, setReport] = useState<Report>()
  const carryOut = async ({ name, done, fits, carryOut: one }: Command) => {
    const fitting = runs.filter(fits)
    const failures: string[] = []
    for (const [i, { id, title }] of fitting.entries()) {
      setProgress(`${name}: ${count(i + 1)} of ${count(fitting.length)}`)
      await one(client, id).catch((error: Error) => failures.push(`${title || id}: ${error.message}`))
    }
    setProgress(undefined)
    setReport({ text: `${count(fitting.length - failures.length)} of ${count(fitting.length)} ${done}.`, failures })
    clear()
    forget('runs.list', {})
  }
  if (runs.length === 0 && report === undefined) return null
  return (
    <section className="bulk" aria-label="Commands for the selected runs">
      {runs.length > 0 && (
        <Flex align="center" gap="3" wrap="wrap">
          <Text bold>{progress ?? `${count(runs.length)} selected`}</Text>
          {commands.map((command) => {
            const fitting = runs.filter(command.fits).length
            return (
              <Button
                key={command.name}
                look="soft"
                disabled={fitting === 0 || progress !== undefined}
                title={fitting === 0 ? `No selected run can be ${command.done}.` : undefined}
                onClick={() => void carryOut(command)}
              >
                {command.name} {count(fitting)}
              </Button>
            )
          })}
          <Button look="soft" disabled={progress !== undefined} onClick={clear}>
            Clear
          </Button>
        </Flex>
      )}
      <div role="status">
        {report && (
          <>
            <Text as="p">{report.text}</Text>
            {report.failures.map((failure) => (
              <Text as="p" key={failure} color="red" className="break">
                {visible(failure)}
              </Text>
            ))}
          </>
        )}
      </div>
    </section>
  )
}
