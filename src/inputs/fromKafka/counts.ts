/** What a reader of a topic has done, over all of its subscriptions. */
export class Counts {
  rebalances = 0;
  messages = 0;
  poison = 0;
  empty = 0;
  rewound = 0;
  commits = 0;
  failures = 0;
}
