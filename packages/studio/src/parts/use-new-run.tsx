/** Begins a run that goes on from another one: a fork or a retry. What it would repeat is shown, and confirmed, before. */
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { OperationRequest } from 'troupe/client'
import { isProblem } from '../api/is-problem.ts'
import { useClient } from '../api/use-api.tsx'
import { visible } from '../visible.ts'
import { ErrorNotice } from './answer.tsx'
import { Button, Card, Flex, Text } from './ui.tsx'
import { useCommand } from './use-command.ts'

type ForkEdit = NonNullable<OperationRequest<'runs.fork'>['body']['edit']>
export type NewRun =
  | { readonly verb: 'fork'; readonly at: number; readonly edit?: ForkEdit }
  | { readonly verb: 'retry' }

export interface NewRunCommand {
  readonly busy: boolean
  readonly error: Error | undefined
  readonly begin: (how: NewRun, repeat?: boolean) => Promise<void>
  /** Effects of class at-most-once that it would repeat. */
  readonly repeated: { readonly how: NewRun; readonly text: string } | undefined
  readonly dismiss: () => void
}

/** @param onBegun called with the new run, which is opened otherwise */
export function useNewRun(id: string, onBegun?: (run: string) => void): NewRunCommand {
  const client = useClient()
  const navigate = useNavigate()
  const [repeated, setRepeated] = useState<NewRunCommand['repeated']>()
  const { busy, error, run } = useCommand()
  const path = { run: id }
  const begin = (how: NewRun, repeat = false) =>
    run(async () => {
      setRepeated(undefined)
      const repeating = repeat ? { repeat } : {}
      const begun =
        how.verb === 'fork'
          ? client.call('runs.fork', {
              path,
              body: { at: how.at, ...(how.edit ? { edit: how.edit } : {}), ...repeating },
            })
          : client.call('runs.retry', { path, body: repeating })
      const answer = await begun.catch((problem: Error) => {
        if (!isProblem(problem) || problem.code !== 'effect.repeated') throw problem
        setRepeated({ how, text: problem.message })
      })
      if (!answer) return
      if (onBegun) onBegun(answer.run)
      else await navigate({ to: '/runs/$run', params: { run: answer.run } })
    })
  return { busy, error, begin, repeated, dismiss: () => setRepeated(undefined) }
}

/** Asks for what is repeated, and shows why a run did not begin. */
export function NewRunNotice({ command }: { readonly command: NewRunCommand }) {
  const { busy, error, begin, repeated, dismiss } = command
  return (
    <>
      {repeated && (
        <Card className="question" role="group" aria-label="Effects that would be repeated" mb="3">
          <Text as="p" mb="2" className="break">
            {visible(repeated.text)}
          </Text>
          <Flex gap="2" wrap="wrap">
            <Button look="danger" aria-disabled={busy} onClick={() => begin(repeated.how, true)}>
              Repeat them
            </Button>
            <Button look="soft" onClick={dismiss}>
              Do not {repeated.how.verb}
            </Button>
          </Flex>
        </Card>
      )}
      {error && <ErrorNotice error={error} />}
    </>
  )
}
