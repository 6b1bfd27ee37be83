/** The answer `fine` in the protocol of each provider. */
const answers: Readonly<Record<string, object>> = {
  '/v1/chat/completions': {
    id: 'c',
    choices: [{ index: 0, message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
  },
  '/v1/responses': {
    id: 'r',
    created_at: 1,
    model: 'm',
    output: [
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'fine', annotations: [] }],
      },
    ],
    usage: { input_tokens: 7, output_tokens: 3 },
  },
  '/v1/messages': {
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [{ type: 'text', text: 'fine' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 7, output_tokens: 3 },
  },
}

/** Streamed, the answers of later calls of a turn: a whole answer in one piece. */
const streamed: Readonly<Record<string, string>> = {
  '/v1/chat/completions': events([
    { id: 'c', choices: [{ index: 0, delta: { content: 'fine' }, finish_reason: null }] },
    { id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  ]),
  '/v1/responses': events([
    { type: 'response.created', response: { id: 'r', created_at: 1, model: 'm' } },
    { type: 'response.output_item.added', output_index: 0, item: { type: 'message', id: 'msg_1' } },
    { type: 'response.output_text.delta', item_id: 'msg_1', delta: 'fine' },
    { type: 'response.output_item.done', output_index: 0, item: { type: 'message', id: 'msg_1' } },
    { type: 'response.completed', response: { usage: { input_tokens: 7, output_tokens: 3 } } },
  ]),
  '/v1/messages': events([
    {
      type: 'message_start',
      message: { id: 'm', role: 'assistant', model: 'm', content: [], usage: { input_tokens: 7, output_tokens: 0 } },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'fine' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 3 } },
    { type: 'message_stop' },
  ]),
}

function events(all: readonly object[]): string {
  return all.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
}

export const saneAnswer = (path: string, stream: boolean): string =>
  (stream ? streamed[path] : JSON.stringify(answers[path])) ?? ''
