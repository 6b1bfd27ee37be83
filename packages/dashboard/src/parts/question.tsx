/** A question of a run, with what exactly is being approved. */
import { Button, Card, Flex, Select, Text, TextArea } from '@radix-ui/themes'
import { useState } from 'react'
import { part } from '../api/client.ts'
import type { Question } from '../api/shapes.ts'
import { useClient } from '../api/use-api.tsx'
import { asText } from '../format.ts'
import { Refused } from './answer.tsx'
import { useCommand } from './use-command.ts'
import { Value } from './value.tsx'

interface AskProps {
  readonly run: string
  readonly question: Question
  readonly answered: () => void
}

export function Ask({ run, question, answered }: AskProps) {
  const client = useClient()
  const { busy, error, run: perform } = useCommand()
  const { id, kind, text, agent, tool, args, hash } = question
  const send = (value: unknown) =>
    perform(async () => {
      await client.call(`/v1/runs/${part(run)}/answers`, { method: 'POST', body: { question: id, value } })
      answered()
    })
  return (
    <Card className="question">
      <Text as="p" weight="bold">
        {agent} asks
      </Text>
      <Text as="p" mb="2">
        {text}
      </Text>
      {tool !== undefined && (
        <>
          <Text as="p" size="2">
            {tool} would be called with exactly this:
          </Text>
          <Value value={args} label={`Arguments of ${tool}`} />
        </>
      )}
      {kind === 'approval' || kind === 'confirmation' ? (
        <Flex gap="2" mt="3">
          <Button disabled={busy} onClick={() => send(kind === 'approval' ? { approve: true, hash } : true)}>
            {kind === 'approval' ? 'Approve' : 'Yes'}
          </Button>
          <Button
            disabled={busy}
            variant="outline"
            color="red"
            onClick={() => send(kind === 'approval' ? { approve: false, hash } : false)}
          >
            {kind === 'approval' ? 'Refuse' : 'No'}
          </Button>
        </Flex>
      ) : (
        <Written question={question} busy={busy} send={send} />
      )}
      {error && <Refused error={error} />}
    </Card>
  )
}

interface WrittenProps {
  readonly question: Question
  readonly busy: boolean
  readonly send: (value: unknown) => Promise<void>
}

function Written({ question, busy, send }: WrittenProps) {
  const { kind, options = kind === 'error' ? ['retry', 'skip', 'abort'] : undefined } = question
  const [text, setText] = useState(question.default === undefined ? '' : asText(question.default))
  return (
    <Flex direction="column" gap="2" mt="3" align="start">
      {options ? (
        <Select.Root value={text} onValueChange={setText}>
          <Select.Trigger aria-label="Answer" placeholder="Choose" />
          <Select.Content>
            {options.map((option) => (
              <Select.Item key={option} value={option}>
                {option}
              </Select.Item>
            ))}
          </Select.Content>
        </Select.Root>
      ) : (
        <TextArea
          aria-label="Answer"
          className="wide"
          value={text}
          rows={kind === 'draft' ? 8 : 3}
          onChange={({ target }) => setText(target.value)}
        />
      )}
      <Button disabled={busy || text === ''} onClick={() => send(text)}>
        Answer
      </Button>
    </Flex>
  )
}
