// What a consumer has subscribed to, in one spelling: consumers of one group must have the same.

export interface SubscribedTopic {
  readonly topic: string
  /** 'TAG' or 'SQL92'. */
  readonly type: string
  readonly expression: string
}

/** The expression, with tags in order and each once; no tags are all. */
function spelled({ type, expression }: SubscribedTopic): string {
  if (type !== 'TAG') return expression.trim()
  const tags = expression.split('||').map((tag) => tag.trim())
  return [...new Set(tags.filter((tag) => tag !== ''))].sort().join(' || ') || '*'
}

/** `orders a || b; returns *`, topics in order: equal for subscriptions that let the same messages pass. */
export function subscriptionsText(subscriptions: readonly SubscribedTopic[]): string {
  const texts = subscriptions.map((each) => {
    return `${each.topic} ${each.type === 'TAG' ? '' : `${each.type} `}${spelled(each)}`
  })
  return [...new Set(texts)].sort().join('; ')
}
