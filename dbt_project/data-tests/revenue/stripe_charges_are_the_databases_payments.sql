-- A payment that Stripe lacks, a charge that the database lacks, or a pair that differs.
select * from {{ ref('stripe_reconciliation_rows') }}
where kind <> 'matched'
