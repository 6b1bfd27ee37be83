/** The answer to one message, as it arrives, with what was answered when the message was run again. */
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { isActive, pinnedTopology, type Result } from '../api/shapes.ts'
import { useAnswer, useClient, useForget } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { spent } from '../format.ts'
import { Answer, ErrorNotice } from '../parts/answer.tsx'
import { Ask } from '../parts/ask.tsx'
import { contentText } from '../parts/content-text.ts'
import { Files } from '../parts/files.tsx'
import { Markdown } from '../parts/markdown.tsx'
import { markdownIn } from '../parts/render-markdown.ts'
import { RunStatus } from '../parts/run-status.tsx'
import { LabelLine } from '../parts/sources.tsx'
import { Button, Card, Flex, Notice, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { visible } from '../visible.ts'
import { ChatToolCalls } from './chat-tool-calls.tsx'
import { ForkForm } from './fork-form.tsx'
import { useLiveSteps } from './use-live-steps.ts'

interface ReplyTextProps {
  readonly result: Result
  /** The text that arrived so far, shown while the run has not ended. */
  readonly streamed: string
  readonly from: string
}

function ReplyText({ result, streamed, from }: ReplyTextProps) {
  const { response } = result
  const hasResponse = !isActive(result) && response !== undefined && response !== null
  const text = hasResponse ? contentText(response) : streamed
  const markdown = hasResponse ? (markdownIn(response) ?? markdownIn(text)) : undefined
  if (markdown !== undefined) return <Markdown text={markdown} label={`Text of ${from}`} />
  return (
    <Text as="p" className="said break" mb="2">
      {visible(text)}
    </Text>
  )
}

interface ReplyProps {
  readonly run: string
  readonly from: string
}

export function ChatReply({ run, from }: ReplyProps) {
  const may = useMay()
  const [isOpen, setIsOpen] = useState(false)
  const forks = useAnswer('runs.list', { query: { tags: `fork:${run}`, order: 'oldest', limit: 10 } })
  const start = useAnswer('runs.at', { path: { run, seq: 1 }, enabled: isOpen })
  return (
    <>
      <div className="beside">
        <OneReply run={run} from={from} />
        {forks.data?.items.map(({ id }) => (
          <OneReply key={id} run={id} from={from} isFork />
        ))}
      </div>
      {may('runs.fork') && (
        <Button small look="soft" mt="2" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          {isOpen ? 'Do not run it again' : 'Run again with…'}
        </Button>
      )}
      {isOpen && start.data && (
        <ForkForm
          run={run}
          seq={1}
          topology={pinnedTopology(start.data.event)}
          onBegun={() => setIsOpen(false)}
          onClose={() => setIsOpen(false)}
        />
      )}
    </>
  )
}

function OneReply({ run, from, isFork = false }: ReplyProps & { readonly isFork?: boolean }) {
  const forget = useForget()
  const client = useClient()
  const may = useMay()
  const command = useCommand()
  const path = { run }
  const result = useAnswer('runs.result', { path })
  const isOver = () => result.data !== undefined && !isActive(result.data)
  // The models of a run that waits stream nothing.
  const live = useLiveSteps(run, { isOver, enabled: result.data?.status === 'running' })
  const stop = () =>
    command.run(async () => {
      await client.call('runs.cancel', { path, body: {} })
      forget('runs.result', { path })
    })
  return (
    <Card mb="2" role="group" aria-label={`${isFork ? 'Other answer' : 'Answer'} of ${visible(from)}`}>
      <Answer of={result}>
        {(found: Result) => (
          <>
            {found.error ? (
              <Notice color="red" mb="2">
                <p>{visible(found.error.message)}</p>
              </Notice>
            ) : (
              <ReplyText result={found} streamed={[...live.values()].at(-1)?.text ?? ''} from={from} />
            )}
            <ChatToolCalls run={run} isWaiting={found.status === 'waiting'} live={live} />
            <Files value={found.response} />
            <LabelLine taint={found.taint} />
            {found.questions?.map((question) => (
              <Ask key={question.id} run={run} question={question} answered={() => forget('runs.result', { path })} />
            ))}
            <Flex gap="2" align="center" wrap="wrap">
              <Text size="small" color="gray">
                <RunStatus run={run} status={found.status} reason={found.reason} questions={found.questions} />{' '}
                {spent(found.cost)}{' '}
                <Link to="/runs/$run" params={{ run }}>
                  Open run
                </Link>
              </Text>
              {isActive(found) && may('runs.cancel') && (
                <Button small look="danger" aria-disabled={command.busy} onClick={() => void stop()}>
                  Stop
                </Button>
              )}
            </Flex>
            {command.error && <ErrorNotice error={command.error} />}
          </>
        )}
      </Answer>
    </Card>
  )
}
