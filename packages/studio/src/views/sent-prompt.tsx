/** What one model call was sent: the system text, the messages, the tools and the settings. */
import type { SentPrompt } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { asText, count } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Files, withoutBase64 } from '../parts/files.tsx'
import { Text } from '../parts/ui.tsx'
import { Value } from '../parts/value.tsx'
import { visible } from '../visible.ts'

interface PartProps {
  readonly type: string
  readonly text?: string
  readonly toolName?: string
  readonly toolCallId?: string
  readonly input?: unknown
  readonly output?: { readonly value?: unknown; readonly reason?: string }
  readonly mediaType?: string
  readonly filename?: string
  readonly data?: unknown
}
interface Message {
  readonly role: string
  readonly content: string | readonly PartProps[]
}

interface SentPromptProps {
  readonly run: string
  readonly step: string
  readonly call: string
  readonly label: string
}

export function SentPromptOf({ run, step, call, label }: SentPromptProps) {
  const prompts = useAnswer('runs.prompts', { path: { run, step } })
  return (
    <Answer of={prompts}>
      {({ prompts: all }) => {
        const sent = all.find((each) => each.call === call)
        return sent ? (
          <Messages sent={sent} label={label} />
        ) : (
          <Text as="p">It was asked by an agent that is a tool of this one, whose prompts are not read again.</Text>
        )
      }}
    </Answer>
  )
}

function Messages({
  sent: { prompt, tools, settings, models, responseFormat },
  label,
}: {
  readonly sent: SentPrompt
  readonly label: string
}) {
  const offered = tools as readonly { readonly name: string }[]
  return (
    <>
      <Text as="p" color="gray" mb="2" className="break">
        To {visible(models.join(', or '))} · settings {asText(settings)}
      </Text>
      <ol className="plain">
        {(prompt as readonly Message[]).map((message, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: messages of a prompt never move
          <li key={i}>
            <Text as="p" bold mt="2">
              {message.role}
            </Text>
            {reasoningIn(message).map((text, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: parts of a message never move
              <div key={n}>
                <Text as="p" size="small" color="gray">
                  Reasoning
                </Text>
                <Value value={text} label={`Reasoning in message ${i + 1} of the prompt of ${label}`} />
              </div>
            ))}
            <Value value={textOf(message)} label={`Message ${i + 1}, of ${message.role}, in the prompt of ${label}`} />
            {typeof message.content !== 'string' && <Files value={message.content} />}
          </li>
        ))}
      </ol>
      {offered.length > 0 && (
        <details className="disclosure">
          <summary>
            {count(offered.length)} {offered.length === 1 ? 'tool' : 'tools'}:{' '}
            {visible(offered.map(({ name }) => name).join(', '))}
          </summary>
          <Value value={tools} label={`Tools in the prompt of ${label}`} />
        </details>
      )}
      {responseFormat !== undefined && <Value value={responseFormat} label={`Answer form in the prompt of ${label}`} />}
    </>
  )
}

function textOf({ content }: Message): string {
  if (typeof content === 'string') return content
  return content
    .filter(({ type }) => type !== 'reasoning')
    .map(partText)
    .join('\n')
}

const reasoningIn = ({ content }: Message): readonly string[] =>
  typeof content === 'string' ? [] : content.flatMap(({ type, text }) => (type === 'reasoning' && text ? [text] : []))

function partText({ type, text, toolName, toolCallId, input, output, mediaType, filename, data }: PartProps): string {
  if (type === 'tool-call') return `calls ${toolName} (${toolCallId}) with ${asText(input)}`
  if (type === 'tool-result')
    return `${toolName} (${toolCallId}) gave ${asText(withoutBase64(output?.value ?? output?.reason ?? output))}`
  if (type === 'file') return `(a file, ${[filename, mediaType, sizeOrUrl(data)].filter(Boolean).join(', ')})`
  return text ?? type
}

function sizeOrUrl(data: unknown): string {
  const text = asText((data as { readonly data?: unknown } | undefined)?.data ?? data)
  return /^https?:/i.test(text) ? text : `${count(text.length)} characters`
}
