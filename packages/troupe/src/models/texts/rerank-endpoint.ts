/**
 * A reranking model behind a URL. It answers `POST /rerank` with `{ model, query, documents }` in the form that Cohere, Jina,
 * vLLM and llama.cpp share: `{ results: [{ index, relevance_score }] }`.
 */
import type { RerankingModelV4 } from '@ai-sdk/provider'
import { z } from 'zod'
import type { Fetch } from '../../security/index.ts'
import { invalidModelAnswer } from '../model-failure.ts'

const answerSchema = z.object({ results: z.array(z.object({ index: z.number(), relevance_score: z.number() })) })

/** @param endpoint.url the base URL, such as `http://localhost:8080/v1` */
export function rerankEndpoint(
  endpoint: { readonly url: string; readonly model: string; readonly apiKey?: string },
  fetch: Fetch,
): RerankingModelV4 {
  const { url, model, apiKey } = endpoint
  return {
    specificationVersion: 'v4',
    provider: new URL(url).host,
    modelId: model,
    async doRerank({ query, documents, abortSignal, topN }) {
      const response = await fetch(`${url.replace(/(?<!\/)\/+$/, '')}/rerank`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify({
          model,
          query,
          documents: documents.values,
          ...(topN === undefined ? {} : { top_n: topN }),
        }),
        ...(abortSignal ? { signal: abortSignal } : {}),
      })
      const text = await response.text()
      if (!response.ok)
        throw Object.assign(new Error(`the server answered with status ${response.status}`), {
          statusCode: response.status,
          responseHeaders: Object.fromEntries(response.headers),
        })
      return { ranking: rankingIn(text), response: { body: JSON.parse(text) } }
    },
  }
}

function rankingIn(text: string): Awaited<ReturnType<RerankingModelV4['doRerank']>>['ranking'] {
  try {
    return answerSchema.parse(JSON.parse(text)).results.map(({ index, relevance_score }) => ({
      index,
      relevanceScore: relevance_score,
    }))
  } catch {
    throw invalidModelAnswer('the response does not follow the protocol of the provider')
  }
}
