# Words of notifications and mails. Titles and messages are seen on locked screens: no names, nothing of health.
# <template>-title, -message: app, push, text message. <template>-mail-subject, -mail-body: where a mail says it otherwise.

## What only a newer version knows
other-title = There is something new
other-message = Please look in the app.

## Every mail
other-mail-button = Open the app
other-mail-address = If the button does nothing, copy this address into your browser:
other-mail-foot = This mail was sent by aipoten. Nobody reads what is sent to this address.
other-mail-unsubscribe = No more mails of this kind

## Accounts
welcome-title = Welcome to aipoten
welcome-message = Confirm your e-mail address with the mail that we sent you, and everything is open to you.
verify_email-mail-subject = Please confirm your e-mail address
verify_email-mail-body =
    Thank you for joining aipoten. Press the button below to confirm your e-mail address. The link is good until { $expires_at }.

    If you did not register, you can ignore this mail.
verify_email-mail-button = Confirm your address
reset_password-mail-subject = Choose a new password
reset_password-mail-body =
    We were asked to reset your password. Press the button below to choose a new one. The link is good once, until { $expires_at }.

    If it was not you who asked, you can ignore this mail: your password stays as it is.
reset_password-mail-button = Choose a new password
change_email-mail-subject = Please confirm your new e-mail address
change_email-mail-body =
    We were asked to use this address for an aipoten account. Press the button below to finish the change. The link is good until { $expires_at }.

    If it was not you who asked, you can ignore this mail.
change_email-mail-button = Change the address
erasure_requested-title = You asked to delete your account
erasure_requested-message = Your account and all your data will be deleted on { $due_at }. If you change your mind, sign in before then.
erasure_requested-mail-subject = You asked to delete your account
erasure_requested-mail-body =
    We were asked to delete your account. On { $due_at } your account and all data in it, the records of your children included, will be deleted for good. Payment records that the law makes us keep stay without your name.

    If you change your mind, sign in before then: that takes the request back.
security_alert-title = { $kind ->
    [new_device] New device signed in
    [password_changed] Your password was changed
    [password_reset] Your password was reset
    [email_changed] Your e-mail address was changed
    [mfa_removed] Two-step verification was turned off
    [refresh_reused] We signed a device out
    [locked] Signing in is locked for a while
   *[other] Please look at your account's security
}
security_alert-message = { $kind ->
    [refresh_reused] A sign-in was used from somewhere else, so we ended it. Please change your password.
    [locked] There were too many wrong passwords. If that was not you, please change your password.
   *[other] If that was not you, change your password at once and look at the devices that are signed in.
}

## Therapists
therapist_applied-title = A therapist asks for approval
therapist_applied-message = Please look at the application and the licence documents.
therapist_approved-title = You are approved
therapist_approved-message = Parents can now find your profile and ask for sessions. Please check your available times.
therapist_rejected-title = About your application
therapist_rejected-message = It was not approved this time. Look at the reason; you can apply again.
therapist_suspended-title = Your practice is suspended
therapist_suspended-message = Your profile can no longer be found. Please look at the reason.
own_therapist_suspended-title = Your therapist is suspended
own_therapist_suspended-message = If you cancel the sessions that are left, all of their price is paid back. Please look at your packages.
licence_expiring-title = A licence of yours expires soon
licence_expiring-message = It is good until { $expires_on }. Please upload a new one before then.

## Requests and packages
request_created-title = You have a new request
request_created-message = Please look at it and answer in time.
request_approved-title = Your request was accepted
request_approved-message = Please look at the session times and pay.
request_rejected-title = Your request was declined
request_rejected-message = Please read the answer. You can ask another therapist.
request_cancelled-title = A request was cancelled
request_cancelled-message = The parent took the request back.
request_expired-title = A request has expired
request_expired-message = It was not answered in time.
package_awaiting_payment-title = Waiting for payment
package_awaiting_payment-message = Pay { $amount } won until { $due_at } to make the session times yours.
package_expired-title = The time to pay is over
package_expired-message = The package was not paid, and its session times are free again.
package_cancelled-title = A package was cancelled
package_cancelled-message = { $cancelled_by ->
    [parent] The parent cancelled the package. Please look at the refund.
    [therapist] The therapist cancelled the package. Please look at the refund.
   *[platform] The package was cancelled. Please look at the refund.
}
package_completed-title = A package is used up
package_completed-message = Look at the reports so far, and go on when you like.

## Sessions
consultation_scheduled-title = Session times are set
consultation_scheduled-message = Please look at the times.
consultation_rescheduled-title = A session was moved
consultation_rescheduled-message = Its new time: { $starts_at }
consultation_unscheduled-title = Please choose another time
consultation_unscheduled-message = A session lost its time and stays yours. Please choose another time.
consultation_started-title = Your session has begun
consultation_started-message = Please join now.
consultation_completed-title = Your session is over
consultation_completed-message = How was it? Please leave a review.
report_due-title = Please write the session's report
report_due-message = The session settles once the report is handed in.
consultation_no_show-title = A session was recorded as missed
consultation_no_show-message = If that is not so, you can disagree within 7 days.
consultation_disputed-title = A session is disputed
consultation_disputed-message = It does not settle while an administrator looks into it.
dispute_opened-title = A session is disputed
dispute_opened-message = Please look into it and decide.
consultation_cancelled-title = A session was cancelled
consultation_cancelled-message = { $cancelled_by ->
    [parent] The parent cancelled the session. Please look at the details.
    [therapist] The therapist cancelled the session. Please look at the details.
   *[platform] The session was cancelled. Please look at the details.
}
report_submitted-title = A session report has arrived
report_submitted-message = Read what was done and what you can do at home.
schedule_change_requested-title = You are asked for another time
schedule_change_requested-message = Please look at the times that are wished for, and answer.
schedule_change_resolved-title = { $status ->
    [approved] The other time was accepted
    [rejected] The other time was declined
   *[cancelled] The wish for another time was taken back
}
schedule_change_resolved-message = Please look at the session's time.
review_posted-title = You have a new review
review_posted-message = Read it and leave a reply.
reminder_day-title = A session is coming up
reminder_day-message = It begins { $starts_at }.
reminder_hour-title = Your session begins soon
reminder_hour-message = It begins { $starts_at }.

## Money
payment_completed-title = Payment completed
payment_completed-message = { $amount } won were paid. Your receipt is ready.
payment_failed-title = The payment did not go through
payment_failed-message = Nothing was charged. Please try again another way.
payment_expired-title = A payment was not finished
payment_expired-message = Its time ran out and nothing was charged. You can pay again.
payment_reversed-title = A deposit was taken back
payment_reversed-message = The package rests until it is paid again. Please look at the payment.
refund_completed-title = Refund completed
refund_completed-message = { $amount } won were paid back. It may take some days to arrive.
refund_delayed-title = We are looking into a refund
refund_delayed-message = The refund of { $amount } won did not go through at once, and somebody is seeing to it. We will tell you when it is done.
refund_failed-title = A refund did not go through
refund_failed-message = A refund of { $amount } won was refused. Please see to it.
settlement_confirmed-title = Your settlement is confirmed
settlement_confirmed-message = Please look at the settlement.
settlement_paid-title = Your settlement was paid
settlement_paid-message = You can download the statement.

## Children
assessment_completed-title = The result of a development check is ready
assessment_completed-message = Look at the result and the play ideas for it.
check_opens-title = Time for a development check
check_opens-message = { $children ->
    [1] You can begin the development check of this age.
   *[other] You can begin the development checks of { $children } children.
}
check_closes-title = Two weeks left for a development check
check_closes-message = { $children ->
    [1] The development check of this age is not done yet.
   *[other] The development checks of { $children } children are not done yet.
}
checkup_opens-title = Time for a health check-up
checkup_opens-message = { $children ->
    [1] Book the national check-up at a clinic near you.
   *[other] Book the national check-ups of { $children } children at a clinic near you.
}
checkup_closes-title = Two weeks left for a health check-up
checkup_closes-message = { $children ->
    [1] If it is not done yet, please book it.
   *[other] If the check-ups of { $children } children are not done yet, please book them.
}
growth_due-title = Time to measure height and weight
growth_due-message = { $children ->
    [1] Measure today and look at the growth chart.
   *[other] Measure { $children } children and look at their growth charts.
}
new_videos-title = New play videos
new_videos-message = { $videos ->
    [1] One new play video is there.
   *[other] { $videos } new play videos are there.
}

## What was not read
unread_summary-mail-subject = { $unread ->
    [1] One notification is waiting for you
   *[other] { $unread } notifications are waiting for you
}
unread_summary-mail-body = { $unread ->
    [1] There is one notification from the last days that you have not read. Please look in the app.
   *[other] There are { $unread } notifications from the last days that you have not read. Please look in the app.
}
