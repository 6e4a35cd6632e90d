-- Therapists of all sorts, with hours, holidays, extra times, sessions and time off in the days to come.
SELECT setseed(0.7);
INSERT INTO therapist_profiles (id, display_name, specialties, years_of_experience, certifications, bio, consultation_fee,
    session_minutes, buffer_minutes, travel_minutes, min_notice_hours, horizon_days, daily_limit, consultation_kinds,
    region_codes, works_on_holidays, approval_status, licence_valid_until, search_name, search_text)
SELECT gen_random_uuid(), 'T', '{play}', 1, '{}', '.', 50000, 30 + n % 4 * 20, n % 3 * 15, n % 4 * 20, n % 5 * 24,
    3 + n % 9, 1 + n % 3, CASE n % 3 WHEN 0 THEN '{online}' WHEN 1 THEN '{home_visit}' ELSE '{online,home_visit}' END::text[],
    '{11}', n % 2 = 0, 'approved', 'infinity', '', ''
FROM generate_series(1, 60) AS n;
INSERT INTO public_holidays SELECT current_date + n, '', '' FROM generate_series(2, 8, 3) AS n;
INSERT INTO therapist_availability (id, therapist_id, day_of_week, start_minute, end_minute)
SELECT gen_random_uuid(), id, day, start, least(1440, start + 30 + (random() * 150)::int)
FROM therapist_profiles, generate_series(0, 6) AS day, (VALUES (0), (555), (720), (1300)) AS begin (start)
WHERE random() < 0.3;
INSERT INTO therapist_blocked_dates (id, therapist_id, date, start_minute, end_minute, kind)
SELECT gen_random_uuid(), id, current_date + day, 600, 720, 'extra' FROM therapist_profiles, generate_series(0, 10) AS day
WHERE random() < 0.1;
INSERT INTO therapist_blocked_dates (id, therapist_id, date, kind)
SELECT id, id, current_date + (random() * 9)::int, 'blocked' FROM therapist_profiles WHERE random() < 0.5;
INSERT INTO calendar_entries (id, therapist_id, occupied, kind, blocked_date_id)
SELECT gen_random_uuid(), id, tstzrange(date::timestamp AT TIME ZONE 'Asia/Seoul', (date + 1)::timestamp AT TIME ZONE 'Asia/Seoul'),
    'time_off', id
FROM therapist_blocked_dates WHERE kind = 'blocked';
INSERT INTO matching_requests (id, parent_user_id, child_id, therapist_id, kind, total_sessions, discounted_price,
    preferred_dates, status, expires_at)
SELECT id, id, id, id, 'online', 12, 1, '{}', 'approved', now() FROM therapist_profiles;
INSERT INTO consultation_packages (id, request_id, parent_user_id, child_id, therapist_id, kind, session_minutes,
    total_sessions, remaining_sessions, discount_rate_bp, original_price, discounted_price, price_policy_id,
    refund_policy_id, status)
SELECT t.id, t.id, t.id, t.id, t.id, 'online', 30, 12, 12, 0, 1, 1, p.id, r.id, 'active'
FROM therapist_profiles t, price_policies p, refund_policies r;
INSERT INTO consultations (id, package_id, session_number, therapist_id, parent_user_id, child_id, kind, session_fee,
    platform_fee, status)
SELECT gen_random_uuid(), id, number, id, id, id, 'online', 0, 0, 'unscheduled'
FROM therapist_profiles, generate_series(1, 12) AS number;
INSERT INTO calendar_entries (id, therapist_id, child_id, occupied, session, kind, consultation_id, hold_until)
SELECT gen_random_uuid(), therapist_id, gen_random_uuid(), tstzrange(begins, begins + interval '70 minutes'),
    tstzrange(begins, begins + interval '60 minutes'), CASE WHEN hold THEN 'hold' ELSE 'session' END, id,
    CASE WHEN hold THEN now() + (random() - 0.5) * interval '1 hour' END
FROM (SELECT id, therapist_id, random() < 0.4 AS hold, date_trunc('hour', now()) + interval '1 hour' * (random() * 240)::int
      AS begins FROM consultations) AS made
ON CONFLICT DO NOTHING;
